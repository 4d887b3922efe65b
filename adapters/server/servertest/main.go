package servertest

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// suites are the packages whose tests use every operation of a tag, by the tag. Every operation has one of these tags.
var suites = map[string]string{
	"view clients":      "viewapi",
	"officers":          "viewapi",
	"sender systems":    "senderapi",
	"recipient systems": "senderapi",
	"development":       "development",
	"offices":           "officeapi",
	"operators":         "officeapi",
	"operating":         "server",
}

// Main runs the tests of a package that is one of the suites, and exits. After a whole run it fails if an operation of
// the package's was used by none of them.
func Main(m *testing.M, suite string) {
	flag.Parse()
	code := m.Run()
	if left := unused(suite); code == 0 && isWhole() && len(left) > 0 {
		fmt.Fprintf(os.Stderr, "openapi.yaml: described and used by no test of %s: %s\n",
			suite, strings.Join(left, ", "))
		code = 1
	}
	os.Exit(code)
}

// isWhole reports whether all tests of the package run.
func isWhole() bool {
	for _, name := range []string{"test.run", "test.skip", "test.list", "test.fuzz"} {
		if f := flag.Lookup(name); f != nil && f.Value.String() != "" {
			return false
		}
	}
	return !testing.Short()
}

// unused gives the operations of a suite that this process has not used.
func unused(suite string) (left []string) {
	for name, tag := range operations() {
		if _, ok := used.Load(name); !ok && suites[tag] == suite {
			left = append(left, name)
		}
	}
	slices.Sort(left)
	return left
}

// operations gives the tag of each operation, by method and path; empty where it has none, or more than one.
func operations() map[string]string {
	out := map[string]string{}
	for path, item := range description().Paths.Map() {
		for method, op := range item.Operations() {
			out[method+" "+path] = ""
			if len(op.Tags) == 1 {
				out[method+" "+path] = op.Tags[0]
			}
		}
	}
	return out
}
