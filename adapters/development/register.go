package development

import (
	"errors"
	"net/http"

	"digitalpost/adapters/backbone/register"
	"digitalpost/adapters/problem"
	rules "digitalpost/domain/register"
)

// maxLines is how many bytes of lines a request may have.
const maxLines = 16 << 20

// lines takes what a register says, as newline-delimited JSON, and answers once it has its effect.
func (d *dev) lines(w http.ResponseWriter, r *http.Request) error {
	lane := rules.Lane(r.PathValue("register"))
	if lane != rules.CPR && lane != rules.CVR {
		return problem.New(http.StatusNotFound, "path.not.found", "the registers are cpr and cvr")
	}

	scan := register.Scan(http.MaxBytesReader(w, r.Body, maxLines))
	all, more, err := register.Read(lane, scan)
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) || more && scan.Scan() {
		return problem.New(http.StatusRequestEntityTooLarge, "body.too.large",
			"a request has at most 10,000 lines, and 16 MiB")
	}

	var n int
	var seq uint64
	if err == nil {
		n, seq, err = d.b.Registers.Take(r.Context(), lane, all)
	}
	if err != nil {
		return problem.OfRegister(err)
	}
	problem.JSON(w, http.StatusOK, map[string]any{"applied": n, "seq": seq})

	return nil
}
