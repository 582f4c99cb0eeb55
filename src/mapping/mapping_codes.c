/* SPDX-License-Identifier: PostgreSQL */
/*
 * mapping_codes.c — the codes and shapes that goldpan.format promises.
 *
 * ISO 3166-1 alpha-2 countries and ISO 4217 currencies are lists (with HRK, SLL, CUC
 * and ZWL, which old invoices still carry); the rest are shapes. A format that is not
 * known here promises nothing and is not checked.
 */
#include "mapping/mapping_priv.h"

#include <string.h>

static const char mapping_codes_countries[] = "ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBE"
											  "BFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZCACCCD"
											  "CFCGCHCICKCLCMCNCOCRCUCVCWCXCYCZDEDJDKDM"
											  "DODZECEEEGEHERESETFIFJFKFMFOFRGAGBGDGEGF"
											  "GGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHU"
											  "IDIEILIMINIOIQIRISITJEJMJOJPKEKGKHKIKMKN"
											  "KPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDME"
											  "MFMGMHMKMLMMMNMOMPMQMRMSMTMUMVMWMXMYMZNA"
											  "NCNENFNGNINLNONPNRNUNZOMPAPEPFPGPHPKPLPM"
											  "PNPRPSPTPWPYQARERORSRURWSASBSCSDSESGSHSI"
											  "SJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTGTHTJTK"
											  "TLTMTNTOTRTTTVTWTZUAUGUMUSUYUZVAVCVEVGVI"
											  "VNVUWFWSYEYTZAZMZW";

static const char mapping_codes_currencies[] =
	"AEDAFNALLAMDANGAOAARSAUDAWGAZNBAMBBDBDTBGNBHDBIFBMDBNDBOBBOV"
	"BRLBSDBTNBWPBYNBZDCADCDFCHECHFCHWCLFCLPCNYCOPCOUCRCCUCCUPCVE"
	"CZKDJFDKKDOPDZDEGPERNETBEURFJDFKPGBPGELGHSGIPGMDGNFGTQGYDHKD"
	"HNLHRKHTGHUFIDRILSINRIQDIRRISKJMDJODJPYKESKGSKHRKMFKPWKRWKWD"
	"KYDKZTLAKLBPLKRLRDLSLLYDMADMDLMGAMKDMMKMNTMOPMRUMURMVRMWKMXN"
	"MXVMYRMZNNADNGNNIONOKNPRNZDOMRPABPENPGKPHPPKRPLNPYGQARRONRSD"
	"RUBRWFSARSBDSCRSDGSEKSGDSHPSLESLLSOSSRDSSPSTNSVCSYPSZLTHBTJS"
	"TMTTNDTOPTRYTTDTWDTZSUAHUGXUSDUSNUYIUYUUYWUZSVEDVESVNDVUVWST"
	"XADXAFXAGXAUXBAXBBXBCXBDXCDXCGXDRXOFXPDXPFXPTXSUXTSXUAXXXYER"
	"ZARZMWZWGZWL";

/* Codes of two or three characters in an order that needs no call to compare. */
static inline uint32_t
mapping_codes_number(const char *code, size_t size)
{
	uint32_t number = 0;

	for (size_t i = 0; i < size; i++)
		number = number << 8 | (uint8_t) code[i];
	return number;
}

/* Whether a text is one of `count` sorted codes of `size` characters. */
static bool
mapping_codes_find(const char *codes, size_t count, size_t size, const char *text, size_t length)
{
	size_t first = 0;
	size_t last = count;
	uint32_t wanted;

	if (length != size)
		return false;
	wanted = mapping_codes_number(text, size);
	while (first < last)
	{
		size_t middle = (first + last) / 2;
		uint32_t listed = mapping_codes_number(codes + middle * size, size);

		if (wanted == listed)
			return true;
		if (wanted < listed)
			last = middle;
		else
			first = middle + 1;
	}
	return false;
}

bool
mapping_codes_country(const char *text, size_t length)
{
	return mapping_codes_find(mapping_codes_countries, sizeof(mapping_codes_countries) / 2, 2, text,
							  length);
}

bool
mapping_codes_currency(const char *text, size_t length)
{
	return mapping_codes_find(mapping_codes_currencies, sizeof(mapping_codes_currencies) / 3, 3,
							  text, length);
}

/* BCP 47 in outline: two or three letters, then subtags of two to eight letters or digits. */
static bool
mapping_codes_language(const char *text, size_t length)
{
	size_t start = 0;

	for (size_t i = 0; i <= length; i++)
	{
		char c = i < length ? text[i] : '-';
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		if (c == '-')
		{
			size_t size = i - start;

			if (size < 2 || size > (start == 0 ? 3u : 8u))
				return false;
			start = i + 1;
		}
		else if (!letter && (start == 0 || c < '0' || c > '9'))
			return false;
	}
	return true;
}

static bool
mapping_codes_url(const char *text, size_t length)
{
	size_t scheme = length > 8 && memcmp(text, "https://", 8) == 0	? 8
					: length > 7 && memcmp(text, "http://", 7) == 0 ? 7
																	: 0;

	if (scheme == 0)
		return false;
	for (size_t i = scheme; i < length; i++)
		if ((unsigned char) text[i] <= ' ')
			return false;
	return true;
}

static bool
mapping_codes_domain(const char *text, size_t length)
{
	char address[256];

	if (length == 0 || length > 250)
		return false;
	for (size_t i = 0; i < length; i++)
		if (text[i] >= 'A' && text[i] <= 'Z')
			return false;
	/* a host name is what may follow the @ of an address */
	memcpy(address, "a@", 2);
	memcpy(address + 2, text, length);
	return mapping_email_valid(address, length + 2);
}

struct CodeFormat
{
	const char *name;
	bool (*valid)(const char *text, size_t length);
	const char *reason;
};

static const CodeFormat mapping_codes_formats[] = {
	{"country", mapping_codes_country, "it is not an ISO 3166-1 alpha-2 country code"},
	{"currency", mapping_codes_currency, "it is not an ISO 4217 currency code"},
	{"domain", mapping_codes_domain, "it is not a host name in lower case"},
	{"email", mapping_email_valid, "it is not an e-mail address in its normal form"},
	{"language", mapping_codes_language, "it is not a BCP 47 language tag"},
	{"phone", mapping_phone_valid, "it is not an E.164 number, + and digits"},
	{"url", mapping_codes_url, "it is not an http or https address"},
	{NULL, NULL, NULL},
};

const CodeFormat *
mapping_codes_format(const char *name)
{
	if (name == NULL)
		return NULL;
	for (const CodeFormat *format = mapping_codes_formats; format->name != NULL; format++)
		if (strcmp(format->name, name) == 0)
			return format;
	return NULL;
}

const CodeFormat *
mapping_codes_format_after(const char *name, StepKind step)
{
	const CodeFormat *format = mapping_codes_format(name);

	if (format != NULL && ((step == STEP_EMAIL && format->valid == mapping_email_valid) ||
						   (step == STEP_PHONE && format->valid == mapping_phone_valid)))
		return NULL;
	return format;
}

const char *
mapping_codes_check(const CodeFormat *format, const char *text, size_t length)
{
	return format == NULL || format->valid(text, length) ? NULL : format->reason;
}
