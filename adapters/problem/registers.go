package problem

import (
	"errors"
	"net/http"

	"digitalpost/adapters/backbone/register"
	rules "digitalpost/domain/register"
)

// OfRegister makes what is wrong with a register's lines an answer: 400 names line and field, 409 says that one is
// missing, or that an operator must allow what comes.
func OfRegister(err error) error {
	var line *rules.LineError
	var gap *register.GapError
	var held *register.HeldError
	switch {
	case errors.As(err, &line):
		return BadField(line.Field, "register.line.not.valid", line.Rule+" ("+line.Where()+")")
	case errors.As(err, &gap):
		return New(http.StatusConflict, "register.gap", gap.Error())
	case errors.As(err, &held):
		return New(http.StatusConflict, "register.run.held", held.Error())
	}

	return err
}
