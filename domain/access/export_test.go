package access

// Table is what each right allows.
var Table = may
