/* SPDX-License-Identifier: PostgreSQL
 *
 * customers_tables — the words that customers are made of.
 *
 * Names stand in their order of frequency, roughly: the first ones are drawn more often.  Written
 * for this generator from general knowledge of each country; nothing is shared with the engine.
 */
#include "customers.h"

#define COUNT(table) ((int) (sizeof(table) / sizeof((table)[0])))

static const char *const english_male[] = {
	"James",	 "John",	"Robert",	   "Michael",  "William",  "David",	   "Thomas",  "Daniel",
	"Joseph",	 "Andrew",	"Christopher", "Matthew",  "Anthony",  "Mark",	   "Steven",  "Paul",
	"George",	 "Edward",	"Peter",	   "Richard",  "Charles",  "Kevin",	   "Brian",	  "Stephen",
	"Benjamin",	 "Samuel",	"Alexander",   "Nicholas", "Jonathan", "Patrick",  "Gregory", "Joshua",
	"Timothy",	 "Jeffrey", "Ronald",	   "Frank",	   "Raymond",  "Lawrence", "Henry",	  "Albert",
	"Frederick", "Walter",	"Philip",	   "Harold",   "Douglas",  "Gerald",   "Keith",	  "Roger",
	"Terence",	 "Ralph",	"Leonard",	   "Stuart",   "Graham",   "Nigel",	   "Simon",	  "Martin",
	"Adam",		 "Luke",	"Nathan",	   "Ryan",	   "Dylan",	   "Owen",	   "Callum",  "Lewis",
	"Oliver",	 "Harry",	"Jack",		   "Jacob",	   "Ethan",	   "Logan",	   "Mason",	  "Aaron",
	"Kyle",		 "Sean",	"Ian",		   "Neil",	   "Barry",	   "Trevor",   "Clive",	  "Rupert",
	"Gareth",	 "Rhys",	"Hugh",		   "Duncan",   "Malcolm",  "Angus",	   "Bruce",	  "Craig",
	"Derek",	 "Dennis",	"Eugene",	   "Wesley",   "Curtis",   "Marcus",
};
static const char *const english_female[] = {
	"Mary",		 "Elizabeth", "Jennifer",  "Patricia",	"Susan",	"Margaret",	  "Sarah",
	"Jessica",	 "Karen",	  "Catherine", "Rebecca",	"Deborah",	"Barbara",	  "Linda",
	"Nancy",	 "Helen",	  "Sandra",	   "Victoria",	"Emily",	"Emma",		  "Charlotte",
	"Samantha",	 "Christine", "Amanda",	   "Michelle",	"Kimberly", "Laura",	  "Rachel",
	"Julia",	 "Anna",	  "Alexandra", "Hannah",	"Abigail",	"Olivia",	  "Sophie",
	"Lucy",		 "Grace",	  "Chloe",	   "Amelia",	"Isabella", "Jacqueline", "Pamela",
	"Dorothy",	 "Theresa",	  "Judith",	   "Frances",	"Joan",		"Joyce",	  "Maureen",
	"Sheila",	 "Eileen",	  "Valerie",   "Wendy",		"Tracy",	"Heather",	  "Fiona",
	"Kirsty",	 "Lorna",	  "Morag",	   "Bronwen",	"Megan",	"Rhiannon",	  "Caroline",
	"Philippa",	 "Harriet",	  "Georgina",  "Penelope",	"Rosemary", "Beatrice",	  "Eleanor",
	"Josephine", "Madeleine", "Natalie",   "Stephanie", "Melissa",	"Nicole",	  "Danielle",
	"Tiffany",	 "Crystal",	  "Brittany",  "Courtney",	"Lindsay",	"Shannon",	  "Kelly",
	"Leanne",	 "Gemma",	  "Kerry",	   "Hayley",	"Stacey",	"Donna",	  "Cheryl",
	"Denise",	 "Gloria",	  "Marjorie",  "Winifred",
};
static const char *const english_common[] = {
	"Smith",	  "Jones",	  "Williams", "Taylor",	  "Brown",	  "Davies",		"Evans",
	"Wilson",	  "Thomas",	  "Johnson",  "Roberts",  "Walker",	  "Wright",		"Robinson",
	"Thompson",	  "White",	  "Hughes",	  "Edwards",  "Green",	  "Hall",		"Wood",
	"Harris",	  "Lewis",	  "Martin",	  "Jackson",  "Clarke",	  "Clark",		"Turner",
	"Hill",		  "Scott",	  "Cooper",	  "Morris",	  "Ward",	  "Moore",		"King",
	"Watson",	  "Baker",	  "Harrison", "Morgan",	  "Patel",	  "Young",		"Allen",
	"Mitchell",	  "James",	  "Anderson", "Phillips", "Lee",	  "Bell",		"Parker",
	"Davis",	  "Bennett",  "Miller",	  "Cook",	  "Shaw",	  "Cox",		"Marshall",
	"Murphy",	  "Collins",  "Kelly",	  "Carter",	  "Gray",	  "Richardson", "Simpson",
	"Khan",		  "O'Brien",  "O'Connor", "O'Neill",  "McDonald", "McCarthy",	"MacLeod",
	"Fitzgerald", "Campbell", "Stewart",  "Murray",	  "Reid",	  "Hamilton",	"Graham",
	"Sullivan",	  "Garcia",	  "Nguyen",	  "Gonzalez", "Singh",	  "Fletcher",	"Barker",
	"Pearce",	  "Gibson",
};
static const char *const english_stems[] = {
	"Ash",	  "Black", "Brad",	 "Brom",  "Cal",  "Clif",  "Craw",	"Dal",	"Elms", "Farn",
	"Glen",	  "Hale",  "Hart",	 "Hazel", "Hol",  "Hunt",  "Kings", "Lang", "Lock", "Mar",
	"Mid",	  "Nor",   "Oak",	 "Pen",	  "Red",  "Rush",  "Sand",	"Shel", "Stan", "Stock",
	"Sut",	  "Swin",  "Thorn",	 "Under", "Wal",  "Wells", "West",	"Whit", "Win",	"Wood",
	"Hather", "Ather", "Bever",	 "Cran",  "Dray", "Ever",  "Fair",	"Gran", "Hemp", "Kil",
	"Lam",	  "Mill",  "Nether", "Old",	  "Pick", "Rams",  "Sal",	"Tan",	"Wake",
};
static const char *const english_ends[] = {
	"ton",	 "ley",	  "ford",  "wood", "field",	 "well",  "by",	   "worth",
	"ham",	 "more",  "combe", "shaw", "bourne", "stone", "ridge", "dale",
	"brook", "croft", "hurst", "gate", "wick",	 "mer",	  "land",  "den",
};

static const char *const german_male[] = {
	"Thomas",	"Michael", "Andreas", "Peter",	  "Stefan",		"Christian", "Jürgen",	 "Klaus",
	"Wolfgang", "Günther", "Martin",  "Frank",	  "Bernd",		"Uwe",		 "Matthias", "Markus",
	"Jörg",		"Hans",	   "Karl",	  "Heinz",	  "Friedrich",	"Joachim",	 "Rainer",	 "Dieter",
	"Manfred",	"Helmut",  "Gerhard", "Johannes", "Sebastian",	"Alexander", "Florian",	 "Tobias",
	"Jan",		"Daniel",  "Philipp", "Felix",	  "Maximilian", "Lukas",	 "Jonas",	 "Leon",
	"Paul",		"Björn",   "Sören",	  "Götz",	  "Ulrich",		"Werner",	 "Walter",	 "Georg",
	"Ludwig",	"Otto",	   "Kurt",	  "Volker",	  "Holger",		"Detlef",	 "Ralf",	 "Rüdiger",
	"Lothar",	"Norbert", "Axel",	  "Dirk",
};
static const char *const german_female[] = {
	"Maria",   "Ursula",	"Monika",	"Petra",	 "Elisabeth", "Sabine",	   "Renate",
	"Helga",   "Karin",		"Brigitte", "Ingrid",	 "Erika",	  "Andrea",	   "Gisela",
	"Claudia", "Susanne",	"Gabriele", "Christa",	 "Christine", "Hildegard", "Anna",
	"Birgit",  "Barbara",	"Heike",	"Angelika",	 "Martina",	  "Ulrike",	   "Kerstin",
	"Anja",	   "Katharina", "Julia",	"Stefanie",	 "Nicole",	  "Silke",	   "Tanja",
	"Jana",	   "Lena",		"Laura",	"Sarah",	 "Lisa",	  "Johanna",   "Käthe",
	"Jürgine", "Bärbel",	"Dörte",	"Annegret",	 "Franziska", "Melanie",   "Sandra",
	"Bettina", "Cornelia",	"Doris",	"Ute",		 "Margarete", "Hannelore", "Waltraud",
	"Irmgard", "Rosemarie", "Sophie",	"Charlotte",
};
static const char *const german_common[] = {
	"Müller",	"Schmidt",	 "Schneider", "Fischer", "Weber",	  "Meyer",		"Wagner",
	"Becker",	"Schulz",	 "Hoffmann",  "Schäfer", "Koch",	  "Bauer",		"Richter",
	"Klein",	"Wolf",		 "Schröder",  "Neumann", "Schwarz",	  "Zimmermann", "Braun",
	"Krüger",	"Hofmann",	 "Hartmann",  "Lange",	 "Schmitt",	  "Werner",		"Krause",
	"Meier",	"Lehmann",	 "Schmid",	  "Schulze", "Maier",	  "Köhler",		"Herrmann",
	"König",	"Walter",	 "Mayer",	  "Huber",	 "Kaiser",	  "Fuchs",		"Peters",
	"Lang",		"Scholz",	 "Möller",	  "Weiß",	 "Jung",	  "Hahn",		"Schubert",
	"Vogel",	"Friedrich", "Keller",	  "Günther", "Frank",	  "Berger",		"Winkler",
	"Roth",		"Beck",		 "Lorenz",	  "Baumann", "Franke",	  "Albrecht",	"Schuster",
	"Simon",	"Ludwig",	 "Böhm",	  "Winter",	 "Kraus",	  "Martin",		"Schumacher",
	"Krämer",	"Vogt",		 "Stein",	  "Jäger",	 "Otto",	  "Sommer",		"Groß",
	"Seidel",	"Heinrich",	 "Brandt",	  "Haas",	 "Schreiber", "Graf",		"Dietrich",
	"Ziegler",	"Kuhn",		 "Kühn",	  "Pohl",	 "Engel",	  "Horn",		"Busch",
	"Bergmann", "Thomas",	 "Voigt",	  "Sauer",	 "Yilmaz",	  "Kaya",		"Demir",
};
static const char *const german_stems[] = {
	"Stein", "Berg",   "Wald",	"Linden", "Eich",	 "Buch",   "Rosen",	 "Gold", "Silber",
	"Eisen", "Kupfer", "Stern", "Sonnen", "Mond",	 "Winter", "Sommer", "Neu",	 "Alt",
	"Hoch",	 "Nieder", "Ober",	"Unter",  "Breiten", "Langen", "Schön",	 "Grün", "Weiß",
	"Roten", "Wasser", "Mühl",	"Feld",	  "Wiesen",	 "Reb",	   "Kirch",	 "Burg", "Hof",
	"Dorn",	 "Birken", "Ellen", "Hasel",  "Kastn",	 "Lauben", "Mehl",	 "Nuss", "Pfeil",
	"Rapp",	 "Sattel", "Tann",	"Ulmen",  "Veit",	 "Wind",   "Zeller",
};
static const char *const german_ends[] = {
	"mann",	 "bauer", "meier", "berger",  "hofer", "bach", "müller", "feld",  "huber",
	"stein", "wald",  "thal",  "brunner", "egger", "auer", "moser",	 "ecker", "kamp",
};

static const char *const french_male[] = {
	"Jean",		 "Pierre",	  "Michel",	   "André",		 "Philippe", "Alain",	  "Bernard",
	"Jacques",	 "Daniel",	  "Patrick",   "Christophe", "Nicolas",	 "Laurent",	  "Frédéric",
	"Éric",		 "Stéphane",  "Pascal",	   "Olivier",	 "Thierry",	 "Julien",	  "Sébastien",
	"Alexandre", "François",  "Christian", "David",		 "Vincent",	 "Guillaume", "Antoine",
	"Mathieu",	 "Thomas",	  "Maxime",	   "Romain",	 "Lucas",	 "Hugo",	  "Léo",
	"Gérard",	 "René",	  "Benoît",	   "Jérôme",	 "Hervé",	 "Gilles",	  "Yves",
	"Didier",	 "Dominique", "Bruno",	   "Serge",		 "Marc",	 "Luc",		  "Rémi",
	"Cédric",
};
static const char *const french_female[] = {
	"Marie",	 "Nathalie",  "Isabelle", "Sylvie",	  "Catherine", "Françoise",	 "Valérie",
	"Martine",	 "Christine", "Monique",  "Nicole",	  "Véronique", "Sandrine",	 "Céline",
	"Stéphanie", "Sophie",	  "Chantal",  "Patricia", "Anne",	   "Brigitte",	 "Julie",
	"Aurélie",	 "Laurence",  "Caroline", "Émilie",	  "Claire",	   "Hélène",	 "Élodie",
	"Camille",	 "Léa",		  "Manon",	  "Chloé",	  "Inès",	   "Jacqueline", "Jeanne",
	"Odile",	 "Agnès",	  "Corinne",  "Delphine", "Virginie",  "Florence",	 "Audrey",
	"Mélanie",	 "Pauline",	  "Mathilde", "Lucie",	  "Charlotte", "Margaux",	 "Zoé",
	"Thérèse",
};
static const char *const french_common[] = {
	"Martin",	"Bernard", "Dubois",  "Thomas",	  "Robert",	  "Richard", "Petit",	  "Durand",
	"Leroy",	"Moreau",  "Simon",	  "Laurent",  "Lefebvre", "Michel",	 "Garcia",	  "David",
	"Bertrand", "Roux",	   "Vincent", "Fournier", "Morel",	  "Girard",	 "André",	  "Mercier",
	"Dupont",	"Lambert", "Bonnet",  "François", "Martinez", "Legrand", "Garnier",	  "Faure",
	"Rousseau", "Blanc",   "Guérin",  "Muller",	  "Henry",	  "Roussel", "Nicolas",	  "Perrin",
	"Morin",	"Mathieu", "Clément", "Gauthier", "Dumont",	  "Lopez",	 "Fontaine",  "Chevalier",
	"Robin",	"Masson",  "Sanchez", "Gérard",	  "Nguyen",	  "Boyer",	 "Denis",	  "Lemaire",
	"Duval",	"Joly",	   "Gautier", "Roger",	  "Roche",	  "Roy",	 "Noël",	  "Meyer",
	"Lucas",	"Meunier", "Jean",	  "Perez",	  "Marchand", "Dufour",	 "Blanchard", "Marie",
	"Barbier",	"Brun",	   "Dumas",	  "Brunet",	  "Schmitt",  "Leroux",	 "Colas",	  "Fernandez",
};
static const char *const french_stems[] = {
	"Beau", "Mont", "Char", "Dela", "Bour", "Cler", "Dan",	"Fau", "Gail", "Haut", "Lam", "Mal",
	"Nor",	"Oli",	"Pel",	"Quin", "Ram",	"Sav",	"Tour", "Val", "Bar",  "Ber",  "Bon", "Cass",
	"Chau", "Cor",	"Dor",	"Fer",	"Gran", "Gui",	"Jol",	"Lan", "Lon",  "Mar",  "Mer", "Pas",
	"Per",	"Pic",	"Pon",	"Rav",	"Ren",	"Sar",	"Ser",	"Tal", "Tis",  "Vau",  "Ver", "Vig",
};
static const char *const french_ends[] = {
	"ard", "eau",  "et",	"ier",	"in",	"on",	"ois",	 "elle", "ot",	 "aud",
	"lac", "mont", "court", "fort", "nard", "bert", "quier", "rand", "ault",
};

static const char *const spanish_male[] = {
	"Antonio", "José",	   "Manuel",	"Francisco", "David",	"Juan",	   "Javier",  "Daniel",
	"Carlos",  "Jesús",	   "Alejandro", "Miguel",	 "Rafael",	"Pedro",   "Pablo",	  "Ángel",
	"Sergio",  "Fernando", "Jorge",		"Luis",		 "Alberto", "Álvaro",  "Adrián",  "Diego",
	"Raúl",	   "Iván",	   "Rubén",		"Enrique",	 "Óscar",	"Ramón",   "Vicente", "Andrés",
	"Joaquín", "Santiago", "Víctor",	"Eduardo",	 "Mario",	"Roberto", "Jaime",	  "Marcos",
	"Ignacio", "Hugo",	   "Alfonso",	"Salvador",	 "Ricardo", "Emilio",  "Gonzalo", "Nicolás",
	"Martín",  "Tomás",
};
static const char *const spanish_female[] = {
	"María",	"Carmen",	  "Ana",		"Isabel",	   "Laura",		"Cristina", "Marta",
	"Josefa",	"Dolores",	  "Lucía",		"Pilar",	   "Elena",		"Teresa",	"Raquel",
	"Paula",	"Rosa",		  "Sara",		"Ángela",	   "Francisca", "Mercedes", "Antonia",
	"Beatriz",	"Julia",	  "Silvia",		"Patricia",	   "Irene",		"Rocío",	"Andrea",
	"Alba",		"Concepción", "Montserrat", "Encarnación", "Mónica",	"Rosario",	"Sofía",
	"Claudia",	"Inés",		  "Margarita",	"Alicia",	   "Sonia",		"Susana",	"Yolanda",
	"Marina",	"Natalia",	  "Eva",		"Nuria",	   "Amparo",	"Lorena",	"Esther",
	"Verónica",
};
static const char *const spanish_common[] = {
	"García",	"Rodríguez", "González", "Fernández", "López",	 "Martínez",  "Sánchez",
	"Pérez",	"Gómez",	 "Martín",	 "Jiménez",	  "Ruiz",	 "Hernández", "Díaz",
	"Moreno",	"Muñoz",	 "Álvarez",	 "Romero",	  "Alonso",	 "Gutiérrez", "Navarro",
	"Torres",	"Domínguez", "Vázquez",	 "Ramos",	  "Gil",	 "Ramírez",	  "Serrano",
	"Blanco",	"Molina",	 "Morales",	 "Suárez",	  "Ortega",	 "Delgado",	  "Castro",
	"Ortiz",	"Rubio",	 "Marín",	 "Sanz",	  "Núñez",	 "Iglesias",  "Medina",
	"Garrido",	"Cortés",	 "Castillo", "Santos",	  "Lozano",	 "Guerrero",  "Cano",
	"Prieto",	"Méndez",	 "Cruz",	 "Calvo",	  "Gallego", "Vidal",	  "León",
	"Márquez",	"Herrera",	 "Peña",	 "Flores",	  "Cabrera", "Campos",	  "Vega",
	"Fuentes",	"Carrasco",	 "Diez",	 "Caballero", "Reyes",	 "Nieto",	  "Aguilar",
	"Pascual",	"Santana",	 "Herrero",	 "Lorenzo",	  "Montero", "Hidalgo",	  "Giménez",
	"Ibáñez",	"Ferrer",	 "Durán",	 "Santiago",  "Benítez", "Mora",	  "Vicente",
	"Vargas",	"Arias",	 "Carmona",	 "Crespo",	  "Román",	 "Pastor",	  "Soto",
	"Sáez",		"Velasco",	 "Moya",	 "Soler",	  "Parra",	 "Esteban",	  "Bravo",
	"Gallardo", "Rojas",
};

static const char *const polish_male[] = {
	"Piotr",	 "Krzysztof", "Andrzej",  "Tomasz",	  "Jan",	 "Paweł",	  "Michał",	 "Marcin",
	"Stanisław", "Jakub",	  "Adam",	  "Marek",	  "Łukasz",	 "Grzegorz",  "Mateusz", "Wojciech",
	"Mariusz",	 "Dariusz",	  "Maciej",	  "Zbigniew", "Kamil",	 "Jerzy",	  "Rafał",	 "Robert",
	"Dawid",	 "Józef",	  "Jacek",	  "Tadeusz",  "Ryszard", "Szymon",	  "Janusz",	 "Kacper",
	"Bartosz",	 "Jarosław",  "Sławomir", "Mirosław", "Artur",	 "Sebastian", "Henryk",	 "Damian",
};
static const char *const polish_female[] = {
	"Anna",		"Katarzyna", "Maria",	 "Małgorzata", "Agnieszka",	 "Barbara", "Ewa",
	"Krystyna", "Magdalena", "Elżbieta", "Joanna",	   "Aleksandra", "Zofia",	"Monika",
	"Teresa",	"Danuta",	 "Natalia",	 "Karolina",   "Marta",		 "Julia",	"Beata",
	"Dorota",	"Janina",	 "Alicja",	 "Jadwiga",	   "Jolanta",	 "Iwona",	"Grażyna",
	"Paulina",	"Justyna",	 "Halina",	 "Renata",	   "Helena",	 "Sylwia",	"Bożena",
	"Irena",	"Wiktoria",	 "Łucja",	 "Stanisława", "Hanna",
};
static const char *const polish_common[] = {
	"Nowak",		"Kowalsk",	  "Wiśniewsk", "Wójcik",	"Kowalczyk",  "Kamińsk",  "Lewandowsk",
	"Zielińsk",		"Szymańsk",	  "Woźniak",   "Dąbrowsk",	"Kozłowsk",	  "Jankowsk", "Mazur",
	"Wojciechowsk", "Kwiatkowsk", "Krawczyk",  "Kaczmarek", "Piotrowsk",  "Grabowsk", "Zając",
	"Pawłowsk",		"Michalsk",	  "Król",	   "Wieczorek", "Jabłońsk",	  "Wróbel",	  "Nowakowsk",
	"Majewsk",		"Olszewsk",	  "Stępień",   "Malinowsk", "Jaworsk",	  "Adamczyk", "Dudek",
	"Nowick",		"Pawlak",	  "Górsk",	   "Witkowsk",	"Walczak",	  "Sikora",	  "Baran",
	"Rutkowsk",		"Michalak",	  "Szewczyk",  "Ostrowsk",	"Tomaszewsk", "Pietrzak",
};
static const char *const polish_stems[] = {
	"Gór",	 "Jezior",	"Las",	"Biał", "Czarn", "Star",  "Now",   "Dobr", "Wil",	 "Sokoł",
	"Lip",	 "Brzoz",	"Dęb",	"Olch", "Sosn",	 "Kalin", "Malin", "Wiśn", "Jabłon", "Grusz",
	"Krzyż", "Kościel", "Młyn", "Most", "Pol",	 "Rzecz", "Zamk",  "Ziel", "Żuraw",	 "Bocian",
};
static const char *const polish_ends[] = {
	"owsk", "ińsk", "eck", "ewsk", "czyk", "ak", "iak", "owicz", "ewicz", "ek",
};

static const char *const dutch_male[] = {
	"Jan",	   "Johannes", "Pieter", "Cornelis", "Hendrik", "Willem",  "Gerrit",
	"Jacobus", "Dirk",	   "Thomas", "Daan",	 "Sem",		"Lucas",   "Bram",
	"Tim",	   "Jeroen",   "Sander", "Bas",		 "Martijn", "Mark",	   "Erik",
	"Rob",	   "Kees",	   "Henk",	 "Wim",		 "Joost",	"Maarten", "Ruben",
	"Niels",   "Koen",	   "Pim",	 "Floris",	 "Teun",	"Gijs",	   "Stijn",
};
static const char *const dutch_female[] = {
	"Johanna", "Maria",		"Anna",	   "Cornelia", "Wilhelmina", "Elisabeth", "Hendrika",
	"Emma",	   "Sophie",	"Julia",   "Anouk",	   "Lotte",		 "Femke",	  "Sanne",
	"Marieke", "Ingrid",	"Monique", "Petra",	   "Saskia",	 "Esther",	  "Linda",
	"Inge",	   "Marjolein", "Wilma",   "Annelies", "Eva",		 "Fleur",	  "Roos",
	"Noor",	   "Iris",		"Maartje", "Loes",	   "Tineke",	 "Ineke",	  "Hanneke",
};
static const char *const dutch_common[] = {
	"Jansen",  "Bakker",   "Visser",   "Smit",	   "Meijer",	"Mulder",	"Bos",
	"Vos",	   "Peters",   "Hendriks", "Dekker",   "Brouwer",	"Dijkstra", "Smits",
	"Postma",  "Kok",	   "Willems",  "Jacobs",   "Vermeulen", "Schouten", "Verhoeven",
	"Kuipers", "Veenstra", "Kramer",   "Koster",   "Prins",		"Blom",		"Huisman",
	"Peeters", "Kuiper",   "Veldman",  "Scholten", "Bosch",		"Martens",
};
static const char *const dutch_stems[] = {
	"de ", "van de ", "van den ", "van der ", "van ", "ter ", "ten ", "Ver", "Oude", "Nieuw",
};
static const char *const dutch_ends[] = {
	"Berg",	 "Vries", "Jong",  "Dijk",	"Heuvel", "Meer",  "Linden", "Wal",	   "Brink",
	"Beek",	 "Vliet", "Veen",  "Bosch", "Graaf",  "Groot", "Haan",	 "Ruiter", "Horst",
	"Broek", "Laan",  "Velde", "Ploeg", "Poel",	  "Kamp",  "Steen",	 "Molen",  "Wit",
	"Boer",	 "Leeuw", "Brug",  "Hoek",	"Aa",	  "Zee",   "Ven",
};

static const char *const swedish_male[] = {
	"Lars",	 "Karl",   "Anders",  "Johan",	"Per",	   "Nils",	 "Erik",   "Mikael",   "Jan",
	"Peter", "Hans",   "Fredrik", "Björn",	"Göran",   "Åke",	 "Sven",   "Magnus",   "Mats",
	"Jonas", "Daniel", "Henrik",  "Gustav", "Oskar",   "Axel",	 "Viktor", "Rolf",	   "Bengt",
	"Leif",	 "Stefan", "Håkan",	  "Niklas", "Mattias", "Jörgen", "Kjell",  "Torbjörn",
};
static const char *const swedish_female[] = {
	"Anna",	 "Eva",		 "Maria",  "Karin",	  "Kristina", "Lena",	  "Sara",	"Kerstin", "Ingrid",
	"Marie", "Birgitta", "Malin",  "Åsa",	  "Annika",	  "Elin",	  "Märta",	"Emma",	   "Linnéa",
	"Ulla",	 "Gunilla",	 "Helena", "Susanne", "Monica",	  "Elisabet", "Sofia",	"Hanna",   "Ida",
	"Jenny", "Frida",	 "Astrid", "Ebba",	  "Agneta",	  "Siv",	  "Yvonne", "Camilla",
};
static const char *const swedish_common[] = {
	"Andersson", "Johansson", "Karlsson",	"Nilsson",	  "Eriksson",	"Larsson",
	"Olsson",	 "Persson",	  "Svensson",	"Gustafsson", "Pettersson", "Jonsson",
	"Jansson",	 "Hansson",	  "Bengtsson",	"Jönsson",	  "Petersson",	"Carlsson",
	"Magnusson", "Olofsson",  "Gustavsson", "Jakobsson",  "Håkansson",	"Sjöberg",
	"Nyström",	 "Holm",	  "Engström",	"Åberg",	  "Öberg",		"Norén",
};
static const char *const swedish_stems[] = {
	"Lind", "Berg", "Ek",	"Björk", "Sjö",	   "Sund", "Ström", "Lund", "Hol",	"Ny",
	"Ha",	"Dal",	"Es",	"Fors",	 "Gran",   "Hed",  "Häg",	"Kull", "Lövg", "Malm",
	"Nord", "Ros",	"Sand", "Söder", "Vester", "Wall", "Wik",	"Åker", "Öst",	"Al",
};
static const char *const swedish_ends[] = {
	"ström", "berg",  "gren", "qvist", "lund",	"dahl", "man",
	"mark",	 "stedt", "blad", "holm",  "feldt", "ing",	"wall",
};

static const char *const arabic_male[] = {
	"Mohammed", "Ahmed",  "Ali",	 "Hassan",	 "Hussein", "Omar",	 "Youssef",
	"Ibrahim",	"Khalid", "Mustafa", "Abdullah", "Karim",	"Samir", "Tariq",
	"Rashid",	"Mehmet", "Mahmoud", "Bilal",	 "Hamza",	"Said",
};
static const char *const arabic_female[] = {
	"Fatima", "Aisha",	"Khadija", "Mariam", "Zainab", "Layla", "Noura",
	"Yasmin", "Samira", "Amina",   "Nadia",	 "Huda",   "Salma", "Rania",
	"Leila",  "Ayşe",	"Sumaya",  "Hanan",	 "Karima", "Zahra",
};
static const char *const arabic_common[] = {
	"Hussain", "Ahmed",	 "Khalil", "Haddad", "Mansour", "Nasser", "Said",
	"Aziz",	   "Rahman", "Saleh",  "Hamid",	 "Farouk",	"Qasim",  "Jaber",
	"Sharif",  "Yilmaz", "Öztürk", "Şahin",	 "Çelik",	"Demir",  "Aydın",
};
static const char *const arabic_stems[] = {
	"Al ", "El ", "Ben ", "Bin ", "Abu ", "Abdel ",
};
static const char *const arabic_ends[] = {
	"Rashid", "Masri", "Amin", "Hakim",	 "Fayed",  "Saleh", "Karim", "Najjar", "Tawil",	 "Zein",
	"Sayed",  "Hamid", "Aziz", "Jabari", "Khoury", "Shami", "Turki", "Qadi",   "Badawi", "Omari",
};

static const char *const russian_male[] = {
	"Alexander", "Sergei",	"Dmitri", "Andrei", "Alexei", "Vladimir", "Yuri",
	"Nikolai",	 "Mikhail", "Ivan",	  "Evgeny", "Igor",	  "Oleg",	  "Viktor",
	"Pavel",	 "Anatoly", "Maxim",  "Artyom", "Kirill", "Gennady",
};
static const char *const russian_female[] = {
	"Elena",	 "Olga",  "Natalia", "Tatiana",	  "Irina",	 "Svetlana", "Ekaterina",
	"Anna",		 "Yulia", "Maria",	 "Lyudmila",  "Galina",	 "Nadezhda", "Oksana",
	"Anastasia", "Daria", "Ksenia",	 "Valentina", "Evgenia", "Sofia",
};
static const char *const russian_common[] = {
	"Ivanov",	 "Smirnov", "Kuznetsov", "Popov",	"Vasiliev", "Petrov",	"Sokolov",
	"Mikhailov", "Novikov", "Fyodorov",	 "Morozov", "Volkov",	"Alexeev",	"Lebedev",
	"Semyonov",	 "Egorov",	"Pavlov",	 "Kozlov",	"Stepanov", "Nikolaev",
};
static const char *const russian_stems[] = {
	"Bel", "Chern", "Dub", "Gor", "Kal", "Kom", "Les", "Mal", "Nik", "Orl",
	"Pol", "Rom",	"Sav", "Tar", "Vor", "Zai", "Bog", "Gus", "Kir", "Sol",
};
static const char *const russian_ends[] = {
	"ov", "yakov", "in", "enko", "ovich", "ykin", "atov", "inov", "arov", "ukhin",
};

const Culture cultures[CULTURE_COUNT] = {
	[CULTURE_ENGLISH] = {english_male, COUNT(english_male), english_female, COUNT(english_female),
						 english_common, COUNT(english_common), english_stems, COUNT(english_stems),
						 english_ends, COUNT(english_ends)},
	[CULTURE_GERMAN] = {german_male, COUNT(german_male), german_female, COUNT(german_female),
						german_common, COUNT(german_common), german_stems, COUNT(german_stems),
						german_ends, COUNT(german_ends)},
	[CULTURE_FRENCH] = {french_male, COUNT(french_male), french_female, COUNT(french_female),
						french_common, COUNT(french_common), french_stems, COUNT(french_stems),
						french_ends, COUNT(french_ends)},
	[CULTURE_SPANISH] = {spanish_male, COUNT(spanish_male), spanish_female, COUNT(spanish_female),
						 spanish_common, COUNT(spanish_common), NULL, 0, NULL, 0},
	[CULTURE_POLISH] = {polish_male, COUNT(polish_male), polish_female, COUNT(polish_female),
						polish_common, COUNT(polish_common), polish_stems, COUNT(polish_stems),
						polish_ends, COUNT(polish_ends)},
	[CULTURE_DUTCH] = {dutch_male, COUNT(dutch_male), dutch_female, COUNT(dutch_female),
					   dutch_common, COUNT(dutch_common), dutch_stems, COUNT(dutch_stems),
					   dutch_ends, COUNT(dutch_ends)},
	[CULTURE_SWEDISH] = {swedish_male, COUNT(swedish_male), swedish_female, COUNT(swedish_female),
						 swedish_common, COUNT(swedish_common), swedish_stems, COUNT(swedish_stems),
						 swedish_ends, COUNT(swedish_ends)},
	[CULTURE_ARABIC] = {arabic_male, COUNT(arabic_male), arabic_female, COUNT(arabic_female),
						arabic_common, COUNT(arabic_common), arabic_stems, COUNT(arabic_stems),
						arabic_ends, COUNT(arabic_ends)},
	[CULTURE_RUSSIAN] = {russian_male, COUNT(russian_male), russian_female, COUNT(russian_female),
						 russian_common, COUNT(russian_common), russian_stems, COUNT(russian_stems),
						 russian_ends, COUNT(russian_ends)},
};

static const City cities_gb[] = {
	{"London", "SW1", "20"},	  {"London", "E14", "20"},		{"London", "N7", "20"},
	{"Birmingham", "B15", "121"}, {"Manchester", "M14", "161"}, {"Leeds", "LS8", "113"},
	{"Glasgow", "G12", "141"},	  {"Sheffield", "S10", "114"},	{"Bristol", "BS6", "117"},
	{"Liverpool", "L17", "151"},  {"Edinburgh", "EH3", "131"},	{"Cardiff", "CF24", "29"},
	{"Leicester", "LE2", "116"},  {"Nottingham", "NG7", "115"}, {"Norwich", "NR2", "1603"},
	{"Exeter", "EX4", "1392"},	  {"York", "YO10", "1904"},		{"Swansea", "SA1", "1792"},
	{"Reading", "RG1", "118"},	  {"Brighton", "BN2", "1273"},
};
static const char *const stems_gb[] = {
	"High",	   "Church",   "Station", "Victoria", "Park",		"Mill",		 "Queens",
	"Kings",   "London",   "Manor",	  "Albert",	  "Chapel",		"Grange",	 "Grove",
	"School",  "North",	   "South",	  "York",	  "George",		"Green",	 "Springfield",
	"Meadow",  "Orchard",  "Brook",	  "Elm",	  "Oak",		"Cedar",	 "Chestnut",
	"Windsor", "Richmond", "Stanley", "Clarence", "Devonshire", "Alexandra",
};
static const char *const ends_gb[] = {
	" Street", " Road", " Lane", " Avenue", " Close", " Drive",
};

static const City cities_us[] = {
	{"New York", "100", "212"},	   {"Los Angeles", "900", "213"}, {"Chicago", "606", "312"},
	{"Houston", "770", "713"},	   {"Phoenix", "850", "602"},	  {"Philadelphia", "191", "215"},
	{"San Antonio", "782", "210"}, {"San Diego", "921", "619"},	  {"Dallas", "752", "214"},
	{"Austin", "787", "512"},	   {"Columbus", "432", "614"},	  {"Charlotte", "282", "704"},
	{"Seattle", "981", "206"},	   {"Denver", "802", "303"},	  {"Boston", "021", "617"},
	{"Portland", "972", "503"},	   {"Springfield", "627", "217"}, {"Albany", "122", "518"},
	{"Madison", "537", "608"},	   {"Omaha", "681", "402"},
};
static const char *const stems_us[] = {
	"Main",		"Oak",	   "Pine",	   "Maple",	   "Cedar",	   "Elm",		"Washington",
	"Lake",		"Hill",	   "Park",	   "View",	   "Walnut",   "Spring",	"Ridge",
	"Church",	"Willow",  "Highland", "Jackson",  "Lincoln",  "Jefferson", "Madison",
	"Franklin", "Sunset",  "River",	   "Forest",   "Center",   "Mill",		"Cherry",
	"Dogwood",	"Hickory", "Magnolia", "Sycamore", "Chestnut", "Birch",		"Meadow",
};
static const char *const ends_us[] = {
	" Street", " Avenue", " Drive", " Road", " Lane", " Boulevard",
};

static const City cities_de[] = {
	{"Berlin", "10", "30"},		{"Berlin", "12", "30"},		 {"Hamburg", "20", "40"},
	{"München", "80", "89"},	{"Köln", "50", "221"},		 {"Frankfurt am Main", "60", "69"},
	{"Stuttgart", "70", "711"}, {"Düsseldorf", "40", "211"}, {"Leipzig", "04", "341"},
	{"Dortmund", "44", "231"},	{"Essen", "45", "201"},		 {"Bremen", "28", "421"},
	{"Dresden", "01", "351"},	{"Hannover", "30", "511"},	 {"Nürnberg", "90", "911"},
	{"Duisburg", "47", "203"},	{"Münster", "48", "251"},	 {"Freiburg", "79", "761"},
	{"Lübeck", "23", "451"},	{"Göttingen", "37", "551"},
};
static const char *const stems_de[] = {
	"Haupt",  "Schul",	   "Garten",  "Bahnhof", "Dorf",   "Berg",	  "Birken",
	"Linden", "Kirch",	   "Wald",	  "Ring",	 "Wiesen", "Goethe",  "Schiller",
	"Mozart", "Beethoven", "Rosen",	  "Tannen",	 "Eichen", "Buchen",  "Ahorn",
	"Mühlen", "Post",	   "Feld",	  "Blumen",	 "Amsel",  "Lerchen", "Sonnen",
	"Jahn",	  "Kant",	   "Lessing", "Hohen",	 "Markt",  "Brunnen", "Schloss",
};
static const char *const ends_de[] = {
	"straße", "weg", "allee", "platz", "gasse",
};

static const City cities_fr[] = {
	{"Paris", "750", "1"},		   {"Marseille", "130", "4"},	{"Lyon", "690", "4"},
	{"Toulouse", "310", "5"},	   {"Nice", "060", "4"},		{"Nantes", "440", "2"},
	{"Strasbourg", "670", "3"},	   {"Montpellier", "340", "4"}, {"Bordeaux", "330", "5"},
	{"Lille", "590", "3"},		   {"Rennes", "350", "2"},		{"Reims", "511", "3"},
	{"Saint-Étienne", "420", "4"}, {"Orléans", "450", "2"},		{"Besançon", "250", "3"},
};
static const char *const stems_fr[] = {
	"de la République", "Victor Hugo",	  "Pasteur",	  "Jean Jaurès", "du Général Leclerc",
	"de la Gare",		"de l'Église",	  "du Moulin",	  "des Écoles",	 "de la Liberté",
	"Jules Ferry",		"Gambetta",		  "des Lilas",	  "des Roses",	 "du Château",
	"de Paris",			"de Verdun",	  "Émile Zola",	  "Voltaire",	 "des Acacias",
	"de la Fontaine",	"Saint-Michel",	  "Saint-Martin", "du Stade",	 "des Tilleuls",
	"Carnot",			"Anatole France", "de la Paix",	  "des Vignes",	 "Molière",
};
static const char *const ends_fr[] = {
	"rue ", "avenue ", "boulevard ", "chemin ", "impasse ",
};

static const City cities_es[] = {
	{"Madrid", "280", "91"},	 {"Barcelona", "080", "93"}, {"Valencia", "460", "96"},
	{"Sevilla", "410", "95"},	 {"Zaragoza", "500", "976"}, {"Málaga", "290", "952"},
	{"Murcia", "300", "968"},	 {"Palma", "070", "971"},	 {"Bilbao", "480", "94"},
	{"Alicante", "030", "965"},	 {"Córdoba", "140", "957"},	 {"Valladolid", "470", "983"},
	{"La Coruña", "150", "981"}, {"León", "240", "987"},
};
static const char *const stems_es[] = {
	"Mayor",		 "de la Constitución", "Real",			"Nueva",		 "del Sol",
	"de Goya",		 "de Velázquez",	   "San Juan",		"San Antonio",	 "Cervantes",
	"de Andalucía",	 "de Aragón",		   "de Cataluña",	"de Valencia",	 "Colón",
	"de la Paz",	 "del Carmen",		   "de la Iglesia", "Santa Ana",	 "del Pilar",
	"Ramón y Cajal", "de Madrid",		   "Gran Vía",		"de Sevilla",	 "Lope de Vega",
	"de la Fuente",	 "del Prado",		   "Málaga",		"de las Flores", "del Mar",
};
static const char *const ends_es[] = {
	"Calle ",
	"Avenida ",
	"Plaza ",
	"Paseo ",
};

static const City cities_pl[] = {
	{"Warszawa", "00", "22"},  {"Kraków", "30", "12"},	  {"Łódź", "90", "42"},
	{"Wrocław", "50", "71"},   {"Poznań", "60", "61"},	  {"Gdańsk", "80", "58"},
	{"Szczecin", "70", "91"},  {"Bydgoszcz", "85", "52"}, {"Lublin", "20", "81"},
	{"Białystok", "15", "85"}, {"Katowice", "40", "32"},  {"Toruń", "87", "56"},
};
static const char *const stems_pl[] = {
	"Polna",	  "Leśna",	 "Słoneczna",	"Krótka",	"Szkolna",	   "Ogrodowa",
	"Lipowa",	  "Łąkowa",	 "Brzozowa",	"Kwiatowa", "Kościelna",   "Sosnowa",
	"Zielona",	  "Parkowa", "Akacjowa",	"Kolejowa", "Mickiewicza", "Sienkiewicza",
	"Kościuszki", "Długa",	 "Słowackiego", "Mostowa",	"Klonowa",	   "Zamkowa",
	"Górna",	  "Rynkowa", "Wodna",		"Piękna",	"Nowa",		   "Spokojna",
};
static const char *const ends_pl[] = {
	"ul. ",
	"al. ",
	"os. ",
};

static const City cities_nl[] = {
	{"Amsterdam", "10", "20"}, {"Rotterdam", "30", "10"}, {"Den Haag", "25", "70"},
	{"Utrecht", "35", "30"},   {"Eindhoven", "56", "40"}, {"Groningen", "97", "50"},
	{"Tilburg", "50", "13"},   {"Breda", "48", "76"},	  {"Nijmegen", "65", "24"},
	{"Haarlem", "20", "23"},   {"Arnhem", "68", "26"},	  {"Leiden", "23", "71"},
};
static const char *const stems_nl[] = {
	"Kerk",	  "School", "Dorps",		"Molen",  "Stations", "Julian", "Wilhelmina", "Beatrix",
	"Nieuw",  "Hoofd",	"Park",			"Linden", "Eiken",	  "Beuken", "Berken",	  "Rozen",
	"Tulpen", "Prins",	"Burgemeester", "Markt",  "Haven",	  "Gracht", "Dijk",		  "Water",
	"Zee",	  "Bos",	"Veld",			"Noord",  "Zuid",	  "Ooster",
};
static const char *const ends_nl[] = {
	"straat", "weg", "laan", "plein", "kade",
};

static const City cities_se[] = {
	{"Stockholm", "11", "8"},	{"Göteborg", "41", "31"},	 {"Malmö", "21", "40"},
	{"Uppsala", "75", "18"},	{"Västerås", "72", "21"},	 {"Örebro", "70", "19"},
	{"Linköping", "58", "13"},	{"Helsingborg", "25", "42"}, {"Jönköping", "55", "36"},
	{"Norrköping", "60", "11"}, {"Lund", "22", "46"},		 {"Umeå", "90", "90"},
};
static const char *const stems_se[] = {
	"Stor",	 "Kyrko", "Skol",  "Drottning", "Kungs",  "Järnvägs",  "Björk", "Ek",
	"Ängs",	 "Sjö",	  "Skogs", "Berg",		"Strand", "Park",	   "Torg",	"Ny",
	"Norra", "Södra", "Östra", "Västra",	"Linné",  "Vasa",	   "Karl",	"Nygård",
	"Hamn",	 "Kvarn", "Äppel", "Ros",		"Lind",	  "Trädgårds",
};
static const char *const ends_se[] = {
	"gatan",
	"vägen",
	"torget",
	"stigen",
};

const Country countries[COUNTRY_COUNT] = {
	[COUNTRY_GB] = {"GB", "en_GB", "44", "0", 0.24, cities_gb, COUNT(cities_gb), stems_gb,
					COUNT(stems_gb), ends_gb, COUNT(ends_gb), "74 75 77 78 79", 8, 7, false},
	[COUNTRY_US] = {"US", "en_US", "1", "", 0.24, cities_us, COUNT(cities_us), stems_us,
					COUNT(stems_us), ends_us, COUNT(ends_us), "", 0, 7, false},
	[COUNTRY_DE] = {"DE", "de_DE", "49", "0", 0.18, cities_de, COUNT(cities_de), stems_de,
					COUNT(stems_de), ends_de, COUNT(ends_de), "151 160 170 171 172 175 176", 8, 7,
					true},
	[COUNTRY_FR] = {"FR", "fr_FR", "33", "0", 0.11, cities_fr, COUNT(cities_fr), stems_fr,
					COUNT(stems_fr), ends_fr, COUNT(ends_fr), "6 7", 8, 8, false},
	[COUNTRY_ES] = {"ES", "es_ES", "34", "", 0.09, cities_es, COUNT(cities_es), stems_es,
					COUNT(stems_es), ends_es, COUNT(ends_es), "61 62 63 64 65 66 68 69", 7, 0,
					true},
	[COUNTRY_PL] = {"PL", "pl_PL", "48", "", 0.06, cities_pl, COUNT(cities_pl), stems_pl,
					COUNT(stems_pl), ends_pl, COUNT(ends_pl), "50 51 60 66 69 72 78 79", 7, 7,
					true},
	[COUNTRY_NL] = {"NL", "nl_NL", "31", "0", 0.04, cities_nl, COUNT(cities_nl), stems_nl,
					COUNT(stems_nl), ends_nl, COUNT(ends_nl), "61 62 63 64 65", 7, 7, true},
	[COUNTRY_SE] = {"SE", "sv_SE", "46", "0", 0.04, cities_se, COUNT(cities_se), stems_se,
					COUNT(stems_se), ends_se, COUNT(ends_se), "70 72 73 76", 7, 6, true},
};

const int country_culture[COUNTRY_COUNT] = {CULTURE_ENGLISH, CULTURE_ENGLISH, CULTURE_GERMAN,
											CULTURE_FRENCH,	 CULTURE_SPANISH, CULTURE_POLISH,
											CULTURE_DUTCH,	 CULTURE_SWEDISH};

const char *const nicknames[][2] = {
	{"James", "Jim"},		  {"James", "Jimmy"},		 {"James", "Jamie"},
	{"John", "Jack"},		  {"John", "Johnny"},		 {"Robert", "Bob"},
	{"Robert", "Rob"},		  {"Robert", "Bobby"},		 {"Michael", "Mike"},
	{"Michael", "Mick"},	  {"Michael", "Micha"},		 {"William", "Bill"},
	{"William", "Will"},	  {"William", "Billy"},		 {"David", "Dave"},
	{"Thomas", "Tom"},		  {"Thomas", "Tommy"},		 {"Daniel", "Dan"},
	{"Daniel", "Danny"},	  {"Joseph", "Joe"},		 {"Andrew", "Andy"},
	{"Andrew", "Drew"},		  {"Christopher", "Chris"},	 {"Matthew", "Matt"},
	{"Anthony", "Tony"},	  {"Steven", "Steve"},		 {"Stephen", "Steve"},
	{"Edward", "Ed"},		  {"Edward", "Ted"},		 {"Peter", "Pete"},
	{"Richard", "Dick"},	  {"Richard", "Rick"},		 {"Richard", "Rich"},
	{"Charles", "Charlie"},	  {"Charles", "Chuck"},		 {"Kevin", "Kev"},
	{"Benjamin", "Ben"},	  {"Samuel", "Sam"},		 {"Alexander", "Alex"},
	{"Alexander", "Sasha"},	  {"Nicholas", "Nick"},		 {"Jonathan", "Jon"},
	{"Patrick", "Pat"},		  {"Patrick", "Paddy"},		 {"Gregory", "Greg"},
	{"Joshua", "Josh"},		  {"Timothy", "Tim"},		 {"Jeffrey", "Jeff"},
	{"Ronald", "Ron"},		  {"Raymond", "Ray"},		 {"Lawrence", "Larry"},
	{"Henry", "Harry"},		  {"Albert", "Bert"},		 {"Frederick", "Fred"},
	{"Walter", "Walt"},		  {"Philip", "Phil"},		 {"Harold", "Harry"},
	{"Douglas", "Doug"},	  {"Gerald", "Gerry"},		 {"Terence", "Terry"},
	{"Leonard", "Len"},		  {"Stuart", "Stu"},		 {"Nathan", "Nate"},
	{"Oliver", "Ollie"},	  {"Jacob", "Jake"},		 {"Dennis", "Den"},
	{"Eugene", "Gene"},		  {"Mary", "Molly"},		 {"Mary", "Polly"},
	{"Elizabeth", "Liz"},	  {"Elizabeth", "Beth"},	 {"Elizabeth", "Betty"},
	{"Elizabeth", "Lizzie"},  {"Jennifer", "Jen"},		 {"Jennifer", "Jenny"},
	{"Patricia", "Pat"},	  {"Patricia", "Trish"},	 {"Patricia", "Patty"},
	{"Susan", "Sue"},		  {"Margaret", "Maggie"},	 {"Margaret", "Peggy"},
	{"Margaret", "Meg"},	  {"Sarah", "Sally"},		 {"Jessica", "Jess"},
	{"Catherine", "Cathy"},	  {"Catherine", "Kate"},	 {"Rebecca", "Becky"},
	{"Deborah", "Debbie"},	  {"Barbara", "Barb"},		 {"Nancy", "Nan"},
	{"Helen", "Nell"},		  {"Sandra", "Sandy"},		 {"Victoria", "Vicky"},
	{"Victoria", "Tori"},	  {"Emily", "Em"},			 {"Charlotte", "Lottie"},
	{"Samantha", "Sam"},	  {"Christine", "Chris"},	 {"Amanda", "Mandy"},
	{"Michelle", "Shelly"},	  {"Kimberly", "Kim"},		 {"Rachel", "Rach"},
	{"Alexandra", "Alex"},	  {"Alexandra", "Sandra"},	 {"Abigail", "Abby"},
	{"Olivia", "Liv"},		  {"Isabella", "Bella"},	 {"Jacqueline", "Jackie"},
	{"Pamela", "Pam"},		  {"Dorothy", "Dot"},		 {"Theresa", "Terry"},
	{"Theresa", "Tess"},	  {"Judith", "Judy"},		 {"Frances", "Fran"},
	{"Caroline", "Carrie"},	  {"Philippa", "Pip"},		 {"Harriet", "Hattie"},
	{"Georgina", "Georgie"},  {"Penelope", "Penny"},	 {"Rosemary", "Rosie"},
	{"Beatrice", "Bea"},	  {"Eleanor", "Ellie"},		 {"Josephine", "Jo"},
	{"Madeleine", "Maddie"},  {"Natalie", "Nat"},		 {"Stephanie", "Steph"},
	{"Danielle", "Dani"},	  {"Tiffany", "Tiff"},		 {"Kelly", "Kel"},
	{"Winifred", "Winnie"},	  {"Johannes", "Hannes"},	 {"Johannes", "Hans"},
	{"Friedrich", "Fritz"},	  {"Joachim", "Achim"},		 {"Sebastian", "Basti"},
	{"Maximilian", "Max"},	  {"Andreas", "Andi"},		 {"Stefan", "Steff"},
	{"Wolfgang", "Wolfi"},	  {"Günther", "Günni"},		 {"Matthias", "Matze"},
	{"Manfred", "Manni"},	  {"Gerhard", "Gerd"},		 {"Ulrich", "Uli"},
	{"Philipp", "Phil"},	  {"Tobias", "Tobi"},		 {"Florian", "Flo"},
	{"Elisabeth", "Lisa"},	  {"Elisabeth", "Elli"},	 {"Susanne", "Susi"},
	{"Gabriele", "Gabi"},	  {"Katharina", "Kathi"},	 {"Stefanie", "Steffi"},
	{"Ursula", "Uschi"},	  {"Brigitte", "Gitti"},	 {"Angelika", "Geli"},
	{"Margarete", "Grete"},	  {"Christian", "Chris"},	 {"Jürgen", "Jürg"},
	{"Franziska", "Franzi"},  {"Philippe", "Phil"},		 {"Christophe", "Chris"},
	{"Nicolas", "Nico"},	  {"Frédéric", "Fred"},		 {"Alexandre", "Alex"},
	{"Guillaume", "Guigui"},  {"Sébastien", "Seb"},		 {"Stéphane", "Steph"},
	{"Maxime", "Max"},		  {"Stéphanie", "Steph"},	 {"Catherine", "Cathy"},
	{"Isabelle", "Isa"},	  {"Nathalie", "Nat"},		 {"Véronique", "Véro"},
	{"Caroline", "Caro"},	  {"Francisco", "Paco"},	 {"Francisco", "Curro"},
	{"José", "Pepe"},		  {"Jesús", "Chus"},		 {"Manuel", "Manolo"},
	{"Antonio", "Toni"},	  {"Alejandro", "Álex"},	 {"Rafael", "Rafa"},
	{"Enrique", "Quique"},	  {"Ignacio", "Nacho"},		 {"Fernando", "Nando"},
	{"Dolores", "Lola"},	  {"María", "Mari"},		 {"Concepción", "Concha"},
	{"Pilar", "Pili"},		  {"Mercedes", "Merche"},	 {"Josefa", "Pepa"},
	{"Isabel", "Isa"},		  {"Montserrat", "Montse"},	 {"Teresa", "Tere"},
	{"Francisca", "Paqui"},	  {"Krzysztof", "Krzysiek"}, {"Andrzej", "Jędrek"},
	{"Tomasz", "Tomek"},	  {"Paweł", "Pawełek"},		 {"Michał", "Michałek"},
	{"Stanisław", "Staszek"}, {"Jakub", "Kuba"},		 {"Grzegorz", "Grzesiek"},
	{"Wojciech", "Wojtek"},	  {"Katarzyna", "Kasia"},	 {"Małgorzata", "Gosia"},
	{"Agnieszka", "Aga"},	  {"Magdalena", "Magda"},	 {"Elżbieta", "Ela"},
	{"Joanna", "Asia"},		  {"Aleksandra", "Ola"},	 {"Barbara", "Basia"},
	{"Zofia", "Zosia"},		  {"Cornelis", "Kees"},		 {"Hendrik", "Henk"},
	{"Willem", "Wim"},		  {"Johannes", "Joop"},		 {"Pieter", "Piet"},
	{"Gerrit", "Ger"},		  {"Johanna", "Jo"},		 {"Wilhelmina", "Wil"},
	{"Hendrika", "Riek"},	  {"Elisabeth", "Bets"},	 {"Cornelia", "Corrie"},
	{"Karl", "Kalle"},		  {"Lars", "Lasse"},		 {"Nils", "Nisse"},
	{"Björn", "Nalle"},		  {"Kristina", "Stina"},	 {"Birgitta", "Gitta"},
	{"Elisabet", "Lisa"},	  {"Mikael", "Micke"},		 {"Fredrik", "Fredde"},
	{"Sergei", "Seryozha"},	  {"Dmitri", "Dima"},		 {"Vladimir", "Vova"},
	{"Mikhail", "Misha"},	  {"Alexei", "Lyosha"},		 {"Ekaterina", "Katya"},
	{"Tatiana", "Tanya"},	  {"Natalia", "Natasha"},	 {"Svetlana", "Sveta"},
	{"Anastasia", "Nastya"},  {"Mohammed", "Mo"},		 {"Abdullah", "Abdul"},
	{"Fatima", "Fati"},		  {"Youssef", "Joe"},
};
const int nickname_count = COUNT(nicknames);

const char *const spellings[][2] = {
	{"Mohammed", "Muhammad"},
	{"Mohammed", "Mohamed"},
	{"Mohammed", "Mohamad"},
	{"Ahmed", "Ahmad"},
	{"Hussein", "Husain"},
	{"Hussein", "Hossein"},
	{"Youssef", "Yusuf"},
	{"Youssef", "Yousef"},
	{"Ibrahim", "Ebrahim"},
	{"Khalid", "Khaled"},
	{"Mustafa", "Mostafa"},
	{"Karim", "Kareem"},
	{"Samir", "Sameer"},
	{"Tariq", "Tarek"},
	{"Rashid", "Rasheed"},
	{"Mahmoud", "Mahmud"},
	{"Said", "Saeed"},
	{"Fatima", "Fatma"},
	{"Aisha", "Ayesha"},
	{"Khadija", "Khadijah"},
	{"Mariam", "Maryam"},
	{"Zainab", "Zaynab"},
	{"Layla", "Leila"},
	{"Noura", "Nora"},
	{"Yasmin", "Jasmin"},
	{"Leila", "Layla"},
	{"Hussain", "Hussein"},
	{"Khalil", "Khaleel"},
	{"Mansour", "Mansur"},
	{"Aziz", "Azeez"},
	{"Rahman", "Rehman"},
	{"Hamid", "Hameed"},
	{"Farouk", "Faruk"},
	{"Qasim", "Kasim"},
	{"Sharif", "Shareef"},
	{"Alexander", "Aleksandr"},
	{"Alexander", "Aleksander"},
	{"Sergei", "Sergey"},
	{"Dmitri", "Dmitry"},
	{"Dmitri", "Dmitriy"},
	{"Andrei", "Andrey"},
	{"Alexei", "Aleksey"},
	{"Alexei", "Alexey"},
	{"Yuri", "Yury"},
	{"Yuri", "Jurij"},
	{"Nikolai", "Nikolay"},
	{"Mikhail", "Michail"},
	{"Evgeny", "Yevgeny"},
	{"Evgeny", "Evgenii"},
	{"Viktor", "Victor"},
	{"Anatoly", "Anatoliy"},
	{"Maxim", "Maksim"},
	{"Artyom", "Artem"},
	{"Gennady", "Gennadi"},
	{"Elena", "Yelena"},
	{"Natalia", "Nataliya"},
	{"Tatiana", "Tatyana"},
	{"Ekaterina", "Yekaterina"},
	{"Yulia", "Julia"},
	{"Lyudmila", "Ludmila"},
	{"Oksana", "Oxana"},
	{"Anastasia", "Anastasiya"},
	{"Daria", "Darya"},
	{"Ksenia", "Xenia"},
	{"Evgenia", "Yevgenia"},
	{"Fyodorov", "Fedorov"},
	{"Vasiliev", "Vasilyev"},
	{"Mikhailov", "Mihailov"},
	{"Alexeev", "Alekseev"},
	{"Semyonov", "Semenov"},
	{"Egorov", "Yegorov"},
	{"Kuznetsov", "Kusnezow"},
	{"Ivanov", "Iwanow"},
	{"Smirnov", "Smirnow"},
	{"Popov", "Popow"},
	{"Petrov", "Petrow"},
	{"Volkov", "Wolkow"},
	{"Pavlov", "Pawlow"},
	{"Sokolov", "Sokolow"},
	{"Meijer", "Meyer"},
	{"Dijkstra", "Dykstra"},
	{"Kuiper", "Kuyper"},
	{"Kuipers", "Kuypers"},
	{"Clark", "Clarke"},
	{"Catherine", "Katherine"},
	{"Sarah", "Sara"},
	{"Rebecca", "Rebekah"},
	{"Sophie", "Sofie"},
	{"Rachel", "Rachael"},
	{"Steven", "Stephen"},
	{"Philip", "Phillip"},
	{"Jeffrey", "Geoffrey"},
	{"Christine", "Kristine"},
	{"Caroline", "Carolyn"},
	{"Gustafsson", "Gustavsson"},
	{"Carlsson", "Karlsson"},
	{"Petersson", "Pettersson"},
	{"Jonsson", "Jönsson"},
};
const int spelling_count = COUNT(spellings);

static const char *const form_gb_0[] = {"Limited", "Ltd", "Ltd.", "LTD", NULL};
static const char *const form_gb_1[] = {"PLC", "plc", "Public Limited Company", NULL};
static const char *const form_gb_2[] = {"LLP", "L.L.P.", "Limited Liability Partnership", NULL};
static const char *const form_us_0[] = {"Inc.", "Inc", "Incorporated", ", Inc.", NULL};
static const char *const form_us_1[] = {"LLC", "L.L.C.", ", LLC", "Limited Liability Company",
										NULL};
static const char *const form_us_2[] = {"Corporation", "Corp.", "Corp", NULL};
static const char *const form_de_0[] = {"GmbH", "G.m.b.H.", "Gesellschaft mit beschränkter Haftung",
										"mbH",	"GMBH",		NULL};
static const char *const form_de_1[] = {"AG", "A.G.", "Aktiengesellschaft", NULL};
static const char *const form_de_2[] = {"GmbH & Co. KG", "GmbH & Co KG", "GmbH u. Co. KG",
										"GmbH + Co. KG", NULL};
static const char *const form_fr_0[] = {"SARL", "S.A.R.L.", "Sarl",
										"Société à responsabilité limitée", NULL};
static const char *const form_fr_1[] = {"SAS", "S.A.S.", "Société par actions simplifiée", NULL};
static const char *const form_fr_2[] = {"SA", "S.A.", "Société anonyme", NULL};
static const char *const form_es_0[] = {"S.L.", "SL", "S.L", "Sociedad Limitada", NULL};
static const char *const form_es_1[] = {"S.A.", "SA", "Sociedad Anónima", NULL};
static const char *const form_es_2[] = {"S.L.U.", "SLU", "S.L. Unipersonal", NULL};
static const char *const form_pl_0[] = {"Sp. z o.o.", "sp. z o. o.", "Sp z oo", "Spółka z o.o.",
										NULL};
static const char *const form_pl_1[] = {"S.A.", "SA", "Spółka Akcyjna", NULL};
static const char *const form_pl_2[] = {"Sp. j.", "sp.j.", "Spółka jawna", NULL};
static const char *const form_nl_0[] = {"B.V.", "BV", "b.v.", "Besloten Vennootschap", NULL};
static const char *const form_nl_1[] = {"N.V.", "NV", NULL};
static const char *const form_nl_2[] = {"V.O.F.", "VOF", NULL};
static const char *const form_se_0[] = {"AB", "Aktiebolag", "ab", "AB (publ)", NULL};
static const char *const form_se_1[] = {"HB", "Handelsbolag", NULL};
static const char *const form_se_2[] = {"KB", "Kommanditbolag", NULL};
const char *const *const legal_forms[COUNTRY_COUNT][4] = {
	[COUNTRY_GB] = {form_gb_0, form_gb_0, form_gb_1, form_gb_2},
	[COUNTRY_US] = {form_us_0, form_us_0, form_us_1, form_us_2},
	[COUNTRY_DE] = {form_de_0, form_de_0, form_de_1, form_de_2},
	[COUNTRY_FR] = {form_fr_0, form_fr_0, form_fr_1, form_fr_2},
	[COUNTRY_ES] = {form_es_0, form_es_0, form_es_1, form_es_2},
	[COUNTRY_PL] = {form_pl_0, form_pl_0, form_pl_1, form_pl_2},
	[COUNTRY_NL] = {form_nl_0, form_nl_0, form_nl_1, form_nl_2},
	[COUNTRY_SE] = {form_se_0, form_se_0, form_se_1, form_se_2},
};

const char *const private_domains[COUNTRY_COUNT][6] = {
	[COUNTRY_GB] = {"gmail.com", "hotmail.co.uk", "outlook.com", "yahoo.co.uk", "icloud.com",
					"btinternet.com"},
	[COUNTRY_US] = {"gmail.com", "yahoo.com", "outlook.com", "icloud.com", "hotmail.com",
					"aol.com"},
	[COUNTRY_DE] = {"gmail.com", "web.de", "gmx.de", "t-online.de", "outlook.de", "freenet.de"},
	[COUNTRY_FR] = {"gmail.com", "orange.fr", "hotmail.fr", "free.fr", "laposte.net", "yahoo.fr"},
	[COUNTRY_ES] = {"gmail.com", "hotmail.com", "outlook.es", "yahoo.es", "icloud.com",
					"telefonica.net"},
	[COUNTRY_PL] = {"gmail.com", "wp.pl", "onet.pl", "o2.pl", "interia.pl", "outlook.com"},
	[COUNTRY_NL] = {"gmail.com", "hotmail.com", "ziggo.nl", "kpnmail.nl", "outlook.com", "live.nl"},
	[COUNTRY_SE] = {"gmail.com", "hotmail.se", "telia.com", "outlook.com", "live.se", "icloud.com"},
};

const char *const trades[COUNTRY_COUNT][12] = {
	[COUNTRY_GB] = {"Plumbing", "Bakery", "Motors", "Builders", "Dental", "Optical", "Joinery",
					"Catering", "Landscaping", "Accountants", "Solicitors", "Cleaning"},
	[COUNTRY_US] = {"Plumbing", "Bakery", "Auto", "Builders", "Dental", "Optical", "Carpentry",
					"Catering", "Landscaping", "Accounting", "Law", "Cleaning"},
	[COUNTRY_DE] = {"Logistik", "Bau", "Elektrotechnik", "Metallbau", "Bäckerei", "Druck",
					"Maschinenbau", "Transporte", "Immobilien", "Beratung", "Gartenbau",
					"Gebäudereinigung"},
	[COUNTRY_FR] = {"Plomberie", "Boulangerie", "Automobiles", "Bâtiment", "Optique", "Menuiserie",
					"Traiteur", "Paysages", "Conseil", "Transports", "Électricité", "Nettoyage"},
	[COUNTRY_ES] = {"Fontanería", "Panadería", "Automoción", "Construcciones", "Óptica",
					"Carpintería", "Hostelería", "Jardinería", "Asesores", "Transportes",
					"Electricidad", "Limpiezas"},
	[COUNTRY_PL] = {"Budownictwo", "Piekarnia", "Transport", "Meble", "Optyka", "Stolarka",
					"Gastronomia", "Ogrody", "Doradztwo", "Logistyka", "Elektryka", "Serwis"},
	[COUNTRY_NL] = {"Bouw", "Bakkerij", "Transport", "Meubelen", "Optiek", "Timmerwerken",
					"Catering", "Tuinen", "Advies", "Logistiek", "Elektro", "Schoonmaak"},
	[COUNTRY_SE] = {"Bygg", "Bageri", "Transport", "Möbler", "Optik", "Snickeri", "Catering",
					"Trädgård", "Konsult", "Logistik", "Elektriska", "Städ"},
};

const char *const firm_words[] = {
	"Northgate",  "Bluestone", "Silverline", "Redwood",	 "Clearwater", "Ironbridge", "Highfield",
	"Kingfisher", "Larkspur",  "Meridian",	 "Polaris",	 "Quantum",	   "Sterling",	 "Summit",
	"Vertex",	  "Zenith",	   "Alpine",	 "Atlas",	 "Beacon",	   "Birch",		 "Cobalt",
	"Compass",	  "Copper",	   "Crescent",	 "Delta",	 "Dynamo",	   "Eagle",		 "Ember",
	"Evergreen",  "Falcon",	   "Fusion",	 "Galaxy",	 "Granite",	   "Harbour",	 "Helix",
	"Horizon",	  "Indigo",	   "Jade",		 "Juniper",	 "Lantern",	   "Lighthouse", "Lotus",
	"Magnet",	  "Maple",	   "Marble",	 "Mosaic",	 "Nimbus",	   "Nova",		 "Oakridge",
	"Octagon",	  "Onyx",	   "Orbit",		 "Orchard",	 "Osprey",	   "Pegasus",	 "Phoenix",
	"Pinnacle",	  "Prism",	   "Pulse",		 "Quarry",	 "Raven",	   "Riverbank",	 "Saffron",
	"Sapphire",	  "Sequoia",   "Solstice",	 "Spectrum", "Swift",	   "Tidal",		 "Topaz",
	"Trident",	  "Triton",	   "Umbra",		 "Vantage",	 "Velvet",	   "Viking",	 "Vista",
	"Voyager",	  "Willow",	   "Windmill",	 "Wolf",	 "Yarrow",
};
const int firm_word_count = COUNT(firm_words);

const char *const firm_ends[] = {
	"Analytics",   "Systems",	   "Logistics",		"Consulting",	 "Partners",  "Services",
	"Solutions",   "Technologies", "Foods",			"Energy",		 "Media",	  "Design",
	"Engineering", "Trading",	   "International", "Group",		 "Holdings",  "Capital",
	"Labs",		   "Software",	   "Networks",		"Printing",		 "Packaging", "Furniture",
	"Textiles",	   "Chemicals",	   "Motors",		"Tools",		 "Travel",	  "Catering",
	"Security",	   "Cleaning",	   "Electrical",	"Plumbing",		 "Roofing",	  "Interiors",
	"Publishing",  "Instruments",  "Components",	"Manufacturing",
};
const int firm_end_count = COUNT(firm_ends);
