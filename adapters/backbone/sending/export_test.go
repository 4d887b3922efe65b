package sending

// Requests are zero values of all types of requests.
var Requests = []any{forwardRequest{}, sendRequest{}}
