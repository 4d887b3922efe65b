package platform

// BorgerDK is borger.dk.
var BorgerDK = Platform{ID: "borgerdk", Name: "borger.dk", Owner: "PUBLIC", Citizens: true, Companies: false,
	Languages: []string{"da"}, MinAge: 15}
