package reactions

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"
)

// Metadata of every message on a lane, besides Watermill's correlation id.
const (
	metaCausation = "causation" // position of the event that it follows from
	metaAttempt   = "attempt"   // from 1
	metaReceiver  = "receiver"
)

// lanes carry messages to handlers, each lane one after another: a topic with one handler and one who publishes to it.
// Publishing returns once the handler is done. A handler never fails: what is to be tried again waits on disk, and
// whoever owns the lane publishes it again, so that nothing waits behind it in memory.
//
// One lane is what a lease could hold: with a broker in the place of the Go channels, several nodes share them.
type lanes struct {
	router *message.Router
	logger watermill.LoggerAdapter

	mu   sync.Mutex // guards open
	open map[string]*gochannel.GoChannel
}

func newLanes(log *slog.Logger) (*lanes, error) {
	logger := watermill.NewSlogLogger(slog.New(warnings{log.Handler()}))
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: closeTimeout}, logger)
	if err != nil {
		return nil, err
	}
	router.AddMiddleware(middleware.CorrelationID)

	return &lanes{router: router, logger: logger, open: map[string]*gochannel.GoChannel{}}, nil
}

// warnings passes on no less: a router tells of each handler that it starts.
type warnings struct{ slog.Handler }

func (w warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && w.Handler.Enabled(ctx, level)
}

func (w warnings) WithAttrs(attrs []slog.Attr) slog.Handler {
	return warnings{w.Handler.WithAttrs(attrs)}
}

func (w warnings) WithGroup(name string) slog.Handler { return warnings{w.Handler.WithGroup(name)} }

// run routes messages until ctx ends.
func (l *lanes) run(ctx context.Context) error {
	// A router without handlers does not end with ctx.
	defer context.AfterFunc(ctx, func() { l.router.Close() })()

	return l.router.Run(ctx)
}

// handle opens a lane. The handler may be called again for a message whose publisher was not told.
func (l *lanes) handle(ctx context.Context, lane string, fn func(*message.Message)) error {
	select {
	case <-l.router.Running():
	case <-ctx.Done():
		return ctx.Err()
	}

	l.mu.Lock()
	defer l.mu.Unlock()

	if l.open[lane] != nil {
		return nil
	}

	// Published without waiting, 179 of 500 messages of one topic were handled out of order. Each lane has a channel of
	// its own: who subscribes to one would wait for all that is being handled on it.
	cfg := gochannel.Config{BlockPublishUntilSubscriberAck: true, PreserveContext: true}
	channel := gochannel.NewGoChannel(cfg, l.logger)
	h := l.router.AddConsumerHandler(lane, lane, channel, func(m *message.Message) (err error) {
		defer func() {
			if p := recover(); p != nil { // acknowledged all the same: it stays on disk, and is tried again
				err = nil
				fields := watermill.LogFields{"lane": lane}
				l.router.Logger().Error("a handler has panicked", fmt.Errorf("%v", p), fields)
			}
		}()
		fn(m)

		return nil
	})
	if err := l.router.RunHandlers(ctx); err != nil {
		return err
	}

	select {
	case <-h.Started():
	case <-ctx.Done():
		return ctx.Err()
	}
	l.open[lane] = channel

	return nil
}

// pass has a lane's handler handle a message, and returns once it is done.
func (l *lanes) pass(lane string, m *message.Message) error {
	l.mu.Lock()
	channel := l.open[lane]
	l.mu.Unlock()

	if channel == nil {
		return errors.New("reactions: the lane is not open")
	}

	return channel.Publish(lane, m)
}
