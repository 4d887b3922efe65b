package platform

// MitDK is mit.dk.
var MitDK = Platform{ID: "mitdk", Name: "mit.dk", Owner: "Netcompany", Private: true, Citizens: true, Companies: true,
	Languages: []string{"da", "en"}, MinAge: 13}
