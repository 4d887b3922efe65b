package platform

// App is the Digital Post app.
var App = Platform{ID: "app", Name: "Digital Post app", Owner: "PUBLIC", Citizens: true, Companies: true,
	Languages: []string{"da", "en"}, MinAge: 15}
