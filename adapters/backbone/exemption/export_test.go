package exemption

// Requests are zero values of all types of requests.
var Requests = []any{Application{}, Decision{}, addressChange{}, exemptionEnd{}, Contacts{}}
