package messages

// Requests are zero values of all types of requests.
var Requests = []any{Patch{}, restoration{}, deletion{}}
