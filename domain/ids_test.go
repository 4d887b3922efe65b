package domain_test

import (
	"fmt"
	"testing"

	"digitalpost/domain"
)

func TestCPRShowsNobodyItsDigits(t *testing.T) {
	c, err := domain.ParseCPR("6701902345")
	if err != nil || !c.MadeUp() || c.Reveal() != "6701902345" {
		t.Fatalf("ParseCPR = %v, %v", c, err)
	}
	for _, verb := range []string{"%v", "%s", "%+v", "%#v", "%q"} {
		if got := fmt.Sprintf(verb, c); got != "[number]" && got != `"[number]"` {
			t.Errorf("%s shows %s", verb, got)
		}
	}
	for cpr, want := range map[string]string{
		"6701902345": "1990-01-07", "6701205345": "2020-01-07", "0101855345": "1885-01-01", "2902044321": "2004-02-29",
	} {
		c, err := domain.ParseCPR(cpr)
		if d, _ := c.BirthDate(); err != nil || d.Format("2006-01-02") != want {
			t.Errorf("BirthDate of %s = %s, %v; want %s", cpr, d.Format("2006-01-02"), err, want)
		}
	}
	for _, bad := range []string{"", "123", "3102901234", "9901901234", "67019O2345", "67019023456", "2902014321x"} {
		if _, err := domain.ParseCPR(bad); err == nil {
			t.Errorf("ParseCPR(%q) succeeded", bad)
		}
	}
}
