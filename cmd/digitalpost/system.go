package main

import (
	"errors"
	"fmt"

	"digitalpost/adapters/officeapi"
	"digitalpost/domain"
	"digitalpost/domain/organisation"
)

type systemCmd struct {
	Add      systemAddCmd      `cmd:"" help:"${system_add_help}"`
	Delegate systemDelegateCmd `cmd:"" help:"${delegate_help}"`
	Withdraw systemWithdrawCmd `cmd:"" help:"Withdraw a system's registration: its key is valid no more."`
}

// rightsFlags are what an organisation may do.
type rightsFlags struct {
	AuthorityType string `help:"Of an authority: STATE, REGION, MUNICIPALITY or OTHER."`
	LegalBasis    string `help:"Of an authority: the law by which it writes to those who are exempt, too."`
	Mandatory     bool   `help:"The organisation may send mandatory post."`
	Legal         bool   `help:"The organisation may send legal notifications."`
}

func (f rightsFlags) body() map[string]any {
	return map[string]any{
		"authorityType": f.AuthorityType, "legalBasis": f.LegalBasis,
		"mandatoryPostAllowed": f.Mandatory, "legalNotificationAllowed": f.Legal,
	}
}

type systemAddCmd struct {
	dataFlags
	rightsFlags
	CVR          string `name:"cvr" help:"The organisation's CVR number." required:""`
	UUID         string `name:"uuid" help:"${uuid_help}"`
	Organisation string `help:"The organisation's name." required:""`
	Name         string `help:"The system's name." required:""`
	Company      bool   `help:"It is a company, not an authority."`
	Platform     string `help:"Of a company's system: the platform that alone shows what it sends, eboks or mitdk."`
	ConsentBasis string `help:"${basis_help}"`
}

// Run registers a system, through the server if one runs. An authority of no type that is named is OTHER.
func (c *systemAddCmd) Run() error {
	kind := organisation.Authority
	if c.Company {
		kind = organisation.Company
	} else if c.AuthorityType == "" {
		c.AuthorityType = "OTHER"
	}

	body := c.body()
	for name, s := range map[string]string{
		"cvr": c.CVR, "uuid": c.UUID, "organisation": c.Organisation, "name": c.Name, "type": kind,
		"platform": c.Platform, "consentBasis": c.ConsentBasis,
	} {
		body[name] = s
	}

	var out officeapi.SystemKey
	err := c.ask(question{method: "POST", path: "operations/systems", body: body}, &out)
	if err == nil {
		fmt.Printf("id  %s\nkey %s\n", out.ID, out.Key)
	}

	return err
}

type systemDelegateCmd struct {
	dataFlags
	CVR    string `name:"cvr" help:"The CVR number of the system's organisation." required:""`
	System string `help:"The system's id." required:""`
	To     string `help:"The CVR number of the organisation whose certificates it may come with." required:""`
}

// Run delegates a system, through the server if one runs.
func (c *systemDelegateCmd) Run() error {
	if err := systemID(c.System); err != nil {
		return err
	}
	return c.ask(question{
		method: "POST", path: "operations/systems/" + c.System + "/delegate",
		body: map[string]string{"cvr": c.CVR, "to": c.To},
	}, nil)
}

type systemWithdrawCmd struct {
	dataFlags
	System string `help:"The system's id." required:""`
}

// Run withdraws a system's registration, through the server if one runs.
func (c *systemWithdrawCmd) Run() error {
	if err := systemID(c.System); err != nil {
		return err
	}
	return c.ask(question{method: "POST", path: "operations/systems/" + c.System + "/withdraw"}, nil)
}

func systemID(s string) error {
	if _, err := domain.ParseUUID(s); err != nil {
		return errors.New("--system: must be the id that system add printed")
	}
	return nil
}

type organisationCmd struct {
	Rights organisationRightsCmd `cmd:"" help:"Say what an organisation may do from now on: all of it, each time."`
}

type organisationRightsCmd struct {
	dataFlags
	rightsFlags
	CVR string `name:"cvr" help:"The organisation's CVR number." required:""`
}

// Run changes an organisation's rights, through the server if one runs.
func (c *organisationRightsCmd) Run() error {
	body := c.body()
	body["cvr"] = c.CVR
	return c.ask(question{method: "POST", path: "operations/organisations/rights", body: body}, nil)
}
