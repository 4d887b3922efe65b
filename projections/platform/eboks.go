package platform

// EBoks is e-Boks.
var EBoks = Platform{ID: "eboks", Name: "e-Boks", Owner: "e-Boks A/S", Private: true, Consent: true, Citizens: true, Companies: true,
	Languages: []string{"da", "en"}, AppFollowsDevice: true, MinAge: 15}
