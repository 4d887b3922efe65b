package platform

// VirkDK is virk.dk, for companies.
var VirkDK = Platform{ID: "virkdk", Name: "virk.dk", Owner: "PUBLIC", Companies: true,
	Languages: []string{"da"}, MinAge: 0}
