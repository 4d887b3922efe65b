package platform

// Lifeindenmark is lifeindenmark.dk, the state's platform in English and Danish.
var Lifeindenmark = Platform{ID: "lifeindenmark", Name: "lifeindenmark.dk", Owner: "PUBLIC", Private: false, Citizens: true, Companies: true, Acts: true,
	Languages: []string{"da", "en"}, MinAge: 15}
