package drafts

// Requests are zero values of all types of requests.
var Requests = []any{Words{}, creation{}, Document{}, documentChange{}, drop{}, fileChange{}, reply{}}
