package folders

// Requests are zero values of all types of requests.
var Requests = []any{creation{}, Change{}, deletion{}}
