package development

import (
	"errors"
	"net/http"
	"time"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/memo"
	"digitalpost/adapters/problem"
)

// clock answers with the time by which everything goes.
func (d *dev) clock(w http.ResponseWriter, _ *http.Request) error {
	problem.JSON(w, http.StatusOK, map[string]any{"now": d.b.Clock.Now().UTC().Format(time.RFC3339)})
	return nil
}

// moveClock moves it forward. All that falls due in between has happened when it answers, in order.
func (d *dev) moveClock(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		To string `json:"to"`
	}
	if err := problem.ReadJSON(r.Body, maxBody, &in, "must be a JSON object with to"); err != nil {
		return err
	}

	to, err := time.Parse(time.RFC3339, in.To)
	if err != nil {
		to, err = time.ParseInLocation(dateLayout, in.To, memo.Copenhagen)
	}
	if err != nil {
		return problem.BadField("to", "field.not.valid",
			"must be a time, such as 2030-01-31T12:00:00Z, or a date, which begins at midnight in Copenhagen")
	}

	switch err := d.b.Clock.Move(r.Context(), to); {
	case errors.Is(err, backbone.ErrClockBack):
		return problem.New(http.StatusConflict, "clock.only.goes.forward", "the clock is past that time")
	case errors.Is(err, backbone.ErrClockFar):
		return problem.BadField("to", "field.not.valid", "must be at most 200 years ahead")
	case errors.Is(err, backbone.ErrClockStuck):
		return problem.New(http.StatusConflict, "clock.is.stuck", err.Error())
	case err != nil:
		return err
	}

	return d.clock(w, r)
}
