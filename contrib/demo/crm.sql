-- SPDX-License-Identifier: PostgreSQL
-- The CRM: 18-character text keys, quoted names, d/m/Y birth dates as text, one-letter picklists, a flag for deleted rows.

CREATE TABLE "Account" (
	"Id" char(18) PRIMARY KEY,
	"Name" text NOT NULL,
	"Type" text,
	"Industry" text,
	"NumberOfEmployees" int,
	"AnnualRevenue" numeric(18,2),
	"CurrencyIsoCode" char(3),
	"Website" text,
	"Phone" text,
	"BillingStreet" text,
	"BillingCity" text,
	"BillingPostalCode" text,
	"BillingCountry" text,
	"OwnerId" text,
	"CreatedDate" timestamptz NOT NULL,
	"LastModifiedDate" timestamptz NOT NULL,
	"IsDeleted" boolean NOT NULL DEFAULT false,
	"InternalRating__c" text -- nobody mapped it: it never leaves the server
);
ALTER TABLE "Account" REPLICA IDENTITY FULL;

CREATE TABLE "Contact" (
	"Id" char(18) PRIMARY KEY,
	"AccountId" char(18) REFERENCES "Account",
	"Salutation" text,
	"FirstName" text,
	"LastName" text NOT NULL,
	"Email" text,
	"Phone" text,
	"MobilePhone" text,
	"Title" text,
	"Birthdate__c" text, -- d/m/Y, typed by hand
	"Status__c" text,	 -- L, A, I, F
	"LeadSource" text,
	"HasOptedOutOfEmail" boolean NOT NULL DEFAULT false,
	"CreatedDate" timestamptz NOT NULL,
	"LastModifiedDate" timestamptz NOT NULL,
	"IsDeleted" boolean NOT NULL DEFAULT false,
	"Notes__c" text
);
ALTER TABLE "Contact" REPLICA IDENTITY FULL;

CREATE TABLE "Opportunity" (
	"Id" char(18) PRIMARY KEY,
	"AccountId" char(18) REFERENCES "Account",
	"ContactId" char(18) REFERENCES "Contact",
	"Name" text NOT NULL,
	"StageName" text NOT NULL,
	"Amount" numeric(18,2),
	"CurrencyIsoCode" char(3),
	"Probability" int, -- percent
	"CloseDate" date,
	"CreatedDate" timestamptz NOT NULL,
	"LastModifiedDate" timestamptz NOT NULL
);
ALTER TABLE "Opportunity" REPLICA IDENTITY FULL;
