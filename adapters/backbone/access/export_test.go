package access

// Requests are zero values of all types of requests.
var Requests = []any{Wish{}, answer{}, revocation{}}
