package platform

// BorgerDK is borger.dk.
var BorgerDK = Platform{ID: "borgerdk", Name: "borger.dk", Owner: "PUBLIC", Private: false, Citizens: true, Companies: false, Acts: true,
	Languages: []string{"da"}, MinAge: 15}
