package platform

// Lifeindenmark is lifeindenmark.dk, the state's platform in English and Danish.
var Lifeindenmark = Platform{ID: "lifeindenmark", Name: "lifeindenmark.dk", Owner: "PUBLIC", Citizens: true, Companies: true,
	Languages: []string{"en", "da"}, MinAge: 15}
