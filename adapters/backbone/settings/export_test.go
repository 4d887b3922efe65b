package settings

// Requests are zero values of all types of requests.
var Requests = []any{Language{}}
