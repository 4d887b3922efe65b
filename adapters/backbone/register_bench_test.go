package backbone_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"digitalpost/adapters/backbone/backbonetest"
	hallregister "digitalpost/adapters/backbone/register"
	"digitalpost/domain/register"
)

// How many persons a second are loaded from a register, views included: the first load of those who live here, each
// with a mailbox that opens at once.
//
//	GOGC=300 go test -run xxx -bench RegisterLoad -benchtime 100000x ./adapters/backbone
func BenchmarkRegisterLoad(b *testing.B) {
	h := backbonetest.Open(b)
	ctx := context.Background()
	lines := make([]register.Line, 0, hallregister.MostLines)
	seq := 0
	b.ResetTimer()
	for seq < b.N {
		lines = lines[:0]
		for len(lines) < cap(lines) && seq < b.N {
			born := time.Date(1940+seq%60, time.Month(1+seq/60%12), 1+seq/720%28, 0, 0, 0, 0, time.UTC)
			serial := seq / 20160
			seq++
			lines = append(lines, register.Line{
				Seq: uint64(seq), Type: register.MovedIn, At: "2020-01-01", Municipality: "0101",
				CPR:  fmt.Sprintf("%02d%s%04d", born.Day()+60, born.Format("0106"), serial),
				Name: fmt.Sprintf("Person %d Opdigtet", seq), Address: fmt.Sprintf("Opdigtet Vej %d", seq),
				BirthDate: born.Format(time.DateOnly),
			})
		}
		if n, _, err := h.Registers.Take(ctx, register.CPR, lines); err != nil || n != len(lines) {
			b.Fatalf("%d of %d lines were taken: %v", n, len(lines), err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "persons/s")
	b.ReportMetric(float64(runtime.GOMAXPROCS(0)), "cores")
}
