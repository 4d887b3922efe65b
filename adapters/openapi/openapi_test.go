package openapi_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"digitalpost/adapters/memo"
	"digitalpost/adapters/openapi"
	"digitalpost/adapters/problem"
)

func description(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(openapi.YAML)
	if err == nil {
		err = doc.Validate(t.Context())
	}
	if err != nil {
		t.Fatalf("openapi.yaml: %v", err)
	}
	return doc
}

// operations gives all operations by their method and path.
func operations(doc *openapi3.T) map[string]*openapi3.Operation {
	out := map[string]*openapi3.Operation{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			out[method+" "+path] = op
		}
	}
	return out
}

// Each operation has a name of its own, for those who make clients of the description.
func TestEveryOperationHasAName(t *testing.T) {
	named := map[string]string{}
	for name, op := range operations(description(t)) {
		if other, taken := named[op.OperationID]; taken || op.OperationID == "" {
			t.Errorf("%s: operationId %q, as %s has", name, op.OperationID, other)
		}
		named[op.OperationID] = name
	}
}

// Each operation has an example of what is sent and of what is answered, or, where it has neither, of a parameter; and
// each example is as its schema has it.
func TestEveryOperationHasAnExample(t *testing.T) {
	doc := description(t)
	for name, op := range operations(doc) {
		examples := 0
		look := func(what string, content openapi3.Content) {
			for kind, media := range content {
				if media.Example == nil {
					t.Errorf("%s: %s as %s has no example", name, what, kind)
				} else if err := media.Schema.Value.VisitJSON(media.Example); err != nil {
					t.Errorf("%s: the example of %s as %s is not as described: %v", name, what, kind, err)
				}
				examples++
			}
		}
		if op.RequestBody != nil {
			look("what is sent", op.RequestBody.Value.Content)
		}
		for status, answer := range op.Responses.Map() {
			look("answer "+status, answer.Value.Content)
		}

		path := doc.Paths.Value(name[strings.Index(name, "/"):])
		for _, p := range slices.Concat(path.Parameters, op.Parameters) {
			if p.Value.Example != nil {
				examples++
			} else if p.Value.In == openapi3.ParameterInPath {
				t.Errorf("%s: parameter %s has no example", name, p.Value.Name)
			}
		}
		if examples == 0 {
			t.Errorf("%s has no example", name)
		}
	}
}

// A spoilt example is noticed.
func TestExamplesAreHeldAgainstTheirSchemas(t *testing.T) {
	doc := description(t)
	media := doc.Components.Responses["Folder"].Value.Content["application/json"]
	spoilt := maps.Clone(media.Example.(map[string]any))
	spoilt["folderType"] = "CELLAR"
	if media.Schema.Value.VisitJSON(spoilt) == nil {
		t.Error("a folder of an unknown type is taken for an example")
	}
	delete(spoilt, "folderType")
	if media.Schema.Value.VisitJSON(spoilt) == nil {
		t.Error("a folder without its type is taken for an example")
	}
}

// No schema says that something is an object, and not what is in it.
func TestNoSchemaIsABareObject(t *testing.T) {
	doc := description(t)
	for name, s := range doc.Components.Schemas {
		bare(t, name, s)
	}
	for name, op := range operations(doc) {
		if op.RequestBody != nil {
			for kind, media := range op.RequestBody.Value.Content {
				bare(t, name+" is sent "+kind, media.Schema)
			}
		}
		for status, answer := range op.Responses.Map() {
			for kind, media := range answer.Value.Content {
				bare(t, name+" answers "+status+" "+kind, media.Schema)
			}
		}
	}
}

func bare(t *testing.T, name string, ref *openapi3.SchemaRef) {
	if ref == nil {
		t.Errorf("%s has no schema", name)
		return
	}
	s := ref.Value
	parts := slices.Concat(s.AllOf, s.AnyOf, s.OneOf)
	if s.Type.Is("object") && len(s.Properties) == 0 && s.AdditionalProperties.Schema == nil && len(parts) == 0 {
		t.Errorf("%s is a bare object", name)
	}
	if s.Type.Is("array") && s.Items == nil {
		t.Errorf("%s is a bare list", name)
	}
	if ref.Ref != "" && name != refName(ref) {
		return // looked at under its own name
	}

	for field, p := range s.Properties {
		bare(t, name+"."+field, p)
	}
	for _, p := range parts {
		bare(t, name, p)
	}
	if s.Items != nil {
		bare(t, name+"[]", s.Items)
	}
	if s.AdditionalProperties.Schema != nil {
		bare(t, name+".*", s.AdditionalProperties.Schema)
	}
}

// refName gives the name of the schema that is referred to.
func refName(ref *openapi3.SchemaRef) string {
	return strings.TrimPrefix(ref.Ref, "#/components/schemas/")
}

// The description has every code of an error that the code has, and no other; and every code of a receipt.
func TestErrorCodesAreThoseOfTheCode(t *testing.T) {
	doc := description(t)

	var rules []string
	for _, r := range memo.Rules {
		rules = append(rules, r.Code)
	}
	compare(t, "ReceiptCode", doc, rules)

	codes := append(slices.Collect(maps.Keys(problem.Texts("en"))), rules...)
	for _, root := range []string{"..", "../../cmd"} {
		codes = append(codes, codesIn(t, root)...)
	}
	if len(codes) < 150 {
		t.Errorf("%d codes were found, fewer than there are", len(codes))
	}
	compare(t, "ErrorCode", doc, codes)
}

func compare(t *testing.T, name string, doc *openapi3.T, codes []string) {
	t.Helper()
	var described []string
	for _, x := range doc.Components.Schemas[name].Value.Enum {
		described = append(described, x.(string))
	}
	if !slices.IsSorted(described) {
		t.Errorf("%s is not in order", name)
	}
	for _, c := range codes {
		if !slices.Contains(described, c) {
			t.Errorf("%s does not have %s, which the code has", name, c)
		}
	}
	for i, c := range described {
		if !slices.Contains(codes, c) {
			t.Errorf("%s has %s, which the code does not have", name, c)
		}
		if slices.Contains(described[:i], c) {
			t.Errorf("%s has %s twice", name, c)
		}
	}
}

// codesIn gives the codes of errors that are written out in the code under a folder: what problem.New, its later and
// problem.BadField are given, what stands in a problem.Error or in a list of memo.FieldErrors, and the constants of
// errors of form.
func codesIn(t *testing.T, root string) (codes []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			for _, x := range codeOf(n, f.Name.Name) {
				if lit, ok := x.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					code, err := strconv.Unquote(lit.Value)
					if err != nil {
						t.Errorf("%s: %v", path, err)
					}
					codes = append(codes, code)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return codes
}

// codeOf gives where a node of a package has codes of errors.
func codeOf(n ast.Node, pkg string) []ast.Expr {
	switch n := n.(type) {
	case *ast.CallExpr:
		if (isOf(n.Fun, pkg, "problem", "New") || isOf(n.Fun, pkg, "problem", "BadField")) && len(n.Args) == 3 {
			return n.Args[1:2]
		}
		if isOf(n.Fun, pkg, "problem", "later") && len(n.Args) == 4 {
			return n.Args[2:3]
		}
	case *ast.CompositeLit:
		if list, ok := n.Type.(*ast.ArrayType); ok && isOf(list.Elt, pkg, "memo", "FieldError") {
			var out []ast.Expr
			for _, e := range n.Elts {
				out = append(out, valueOf(e, "Code")...)
			}
			return out
		}
		if isOf(n.Type, pkg, "problem", "Error") {
			return valueOf(n, "Code")
		}
	case *ast.ValueSpec:
		if pkg == "memo" && strings.HasPrefix(n.Names[0].Name, "Code") {
			return n.Values
		}
	}
	return nil
}

// isOf reports whether an expression within pkg is a name of a package.
func isOf(e ast.Expr, pkg, from, name string) bool {
	if s, ok := e.(*ast.SelectorExpr); ok {
		x, _ := s.X.(*ast.Ident)
		return x != nil && x.Name == from && s.Sel.Name == name
	}
	id, ok := e.(*ast.Ident)
	return ok && pkg == from && id.Name == name
}

// valueOf gives what a field of a composite literal is set to.
func valueOf(e ast.Expr, field string) []ast.Expr {
	lit, ok := e.(*ast.CompositeLit)
	if !ok {
		return nil
	}
	for _, x := range lit.Elts {
		if kv, ok := x.(*ast.KeyValueExpr); ok && kv.Key.(*ast.Ident).Name == field {
			return []ast.Expr{kv.Value}
		}
	}
	return nil
}
