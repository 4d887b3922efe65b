package senderapi

// What systems send as JSON, as NgDP has it. A pointer is nil where the field is absent, or null.

// An idRef names a thing by its id.
type idRef struct {
	ID string `json:"id"`
}

// A groupCommand is NgDP's ContactGroupCommand, as far as it is kept.
type groupCommand struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Parent      *idRef `json:"parent"`
}

// A pointCommand is NgDP's ContactPointCommand, as far as it is kept.
type pointCommand struct {
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Targets     []string `json:"Targets"`
	MaxMB       *float64 `json:"memoSizeThresholdMB"`
	Attachments *int     `json:"allowedNumberOfAttachments"`
	Active      *bool    `json:"active"`
	Visible     *bool    `json:"visible"`
	System      string   `json:"systemId"`
	Groups      []idRef  `json:"contactGroups"`
	Terms       []struct {
		Term string `json:"term"`
	} `json:"searchTerms"`
}

// A businessReceipt (forretningskvittering) is NgDP's Receipt, as a recipient system gives it.
type businessReceipt struct {
	Transmission string  `json:"transmissionId"`
	UUID         string  `json:"messageUUID"`
	MessageID    *string `json:"messageId"`
	Code         *string `json:"errorCode"`
	Text         *string `json:"errorMessage"`
	Time         string  `json:"timeStamp"`
	Status       string  `json:"receiptStatus"`
}

// A wrappedMemo is a MeMo within JSON, in base64.
type wrappedMemo struct {
	Resource []byte `json:"resource"`
}
