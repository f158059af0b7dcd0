//! Hashes that others made, and texts that nobody should have made.
//! Not for: when they are checked.

use proptest::prelude::*;

use super::*;

/// The secret of every hash below.
const SECRET: &str = "s3cret of an old server";

/// Made by Python's bcrypt, hashlib, argon2-cffi and passlib; Spring's forms are put together from hashlib's results.
const MADE_ELSEWHERE: &[(&str, &str)] = &[
    ("bcrypt", "$2a$04$DhGEJa5lcLrMLiJlRUAnYO5y1hFb9v4RmZmm/65Cyi7oh0KB8sgHu"),
    ("bcrypt", "$2b$04$88LJLFXoHD7WnxpLK2bjAufG6o9V9KpgHxlpNMWVuW15OPjMP8cZK"),
    ("bcrypt", "$2y$04$88LJLFXoHD7WnxpLK2bjAufG6o9V9KpgHxlpNMWVuW15OPjMP8cZK"),
    ("bcrypt", "{bcrypt}$2a$04$DhGEJa5lcLrMLiJlRUAnYO5y1hFb9v4RmZmm/65Cyi7oh0KB8sgHu"),
    ("pbkdf2", "$pbkdf2-sha1$i=1000,l=20$AQIDBAUGBwgJCgsMDQ4PEA$klRVL85sKvX5sv4FhJ4WTJpW9+I"),
    (
        "pbkdf2",
        "$pbkdf2-sha256$i=1000,l=32$AQIDBAUGBwgJCgsMDQ4PEA$fek3CtZfxqVMyHQLbCMB9b/hchuPVaBFs5JIa0MrT2I",
    ),
    (
        "pbkdf2",
        "$pbkdf2-sha384$i=1000,l=48$AQIDBAUGBwgJCgsMDQ4PEA$oFznd8S4VrDw4Ev6SIaqRru25Nmbq9B6l0nwga5gezGI2qTjucnCbB8cJ+Q7VY3v",
    ),
    (
        "pbkdf2",
        "$pbkdf2-sha512$i=1000,l=64$AQIDBAUGBwgJCgsMDQ4PEA$IDIdN5ntzIEqFPKaZ3bAKC9nWBTpWp4nMajDPn0J4lQKmxYP9eWXu9BfJ7W2s2VZY7nR5757a1HdW1LH39nFKg",
    ),
    ("pbkdf2", "{pbkdf2}01020304050607084d6d84cddf15ec033c7ec3553c0ef421734b9b3f692afdc2c75db10e540bd7a1"),
    ("pbkdf2", "{pbkdf2}AQIDBAUGBwhNbYTN3xXsAzx+w1U8DvQhc0ubP2kq/cLHXbEOVAvXoQ=="),
    (
        "pbkdf2",
        "{pbkdf2@SpringSecurity_v5_8}0102030405060708090a0b0c0d0e0f107ed9e35f4f0ccb4df294cbeba7a97a5a8a7f53ee6a1e1c9af386baf11d6f6a3c",
    ),
    (
        "argon2",
        "$argon2id$v=19$m=64,t=2,p=1$AQIDBAUGBwgJCgsMDQ4PEA$4PjJWRGdM0IsZh/n8jtNEQm4C9NFblxSsyU4JLI0P80",
    ),
    (
        "argon2",
        "$argon2i$v=19$m=64,t=2,p=1$AQIDBAUGBwgJCgsMDQ4PEA$HwZ+X4/168Y+0ossVeeJX8aGdz/zaMK0srVyOB9GKwg",
    ),
    (
        "argon2",
        "$argon2d$v=19$m=64,t=2,p=1$AQIDBAUGBwgJCgsMDQ4PEA$UFmPqgeFdMAhFnHmOnXicjvGn9p6ad4UmZ9qVYCmuHE",
    ),
    ("argon2", "$argon2id$v=16$m=256,t=1,p=4$AQIDBAUGBwgJCgsMDQ4PEA$QeoVKbagmQoP+ovMxlJVJg"),
    ("argon2", "$argon2id$m=256,t=1,p=4$AQIDBAUGBwgJCgsMDQ4PEA$QeoVKbagmQoP+ovMxlJVJg"),
    (
        "argon2",
        "{argon2@SpringSecurity_v5_8}$argon2id$v=19$m=64,t=2,p=1$AQIDBAUGBwgJCgsMDQ4PEA$4PjJWRGdM0IsZh/n8jtNEQm4C9NFblxSsyU4JLI0P80",
    ),
    ("scrypt", "{scrypt}$a0802$AQIDBAUGBwgJCgsMDQ4PEA==$i+uy+WJ3nzMDYIKwpT66WCNjUDTyIA+vGuPwS6gbqmI="),
    (
        "scrypt",
        "{scrypt}$e0801$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==$E2Z4YhA7VCijx3xsqcfBKAC6zBg9Tc+MfuvjxErZQuM=",
    ),
    (
        "scrypt",
        "{scrypt@SpringSecurity_v5_8}$100801$AQIDBAUGBwgJCgsMDQ4PEA==$swav0bvE856VqTjYIhofuCjFjkdwddCFA9Va5dUauAk=",
    ),
    ("scrypt", "$scrypt$ln=4,r=8,p=1$AQIDBAUGBwgJCgsMDQ4PEA$0rnuJC4r16n+u7pILEjkiTnbJAbKeaL0EcoTWcGdkOs"),
    ("sha2", "{sha256}01020304050607081100628df7ed59074ac4482a4b62a266fc9da39d958484d1317798305a040a8a"),
    ("sha2", "{SHA-256}bb68c53754010b98d3df59c243cf147c4387a8f2792aa939868b8903df614651"),
    ("sha2", "{SHA-256}BB68C53754010B98D3DF59C243CF147C4387A8F2792AA939868B8903DF614651"),
    ("sha2", "{SHA-256}{a salt=}a38358ddeafba462d595ee458d973b82397fd9df84c3c98015a10068487ed370"),
    ("sha2", "{SHA-256}u2jFN1QBC5jT31nCQ88UfEOHqPJ5Kqk5houJA99hRlE="),
    (
        "sha2",
        "{SHA-512}Av0Nx3w7kfXxMIjUXop5JcdOlUOpu2ZM59XUtmqz7kbjQzW9LR0KQkF5NSECwhx8fqFq2wdb4LMO/dJb/fd6Aw==",
    ),
];

fn verify(hash: &str, secret: &str) -> bool {
    SlowHash::parse(hash).unwrap().verify(&Secret::new(secret.to_owned())).unwrap()
}

#[test]
fn verifies_what_others_made() {
    for (name, text) in MADE_ELSEWHERE {
        let hash = SlowHash::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!((hash.name(), hash.as_str()), (*name, *text));
        assert!(verify(text, SECRET), "{text}");
        for other in ["", "s3cret of an old serveR", "s3cret of an old server ", text] {
            assert!(!verify(text, other), "{text} is not of {other:?}");
        }
    }
    let families: Vec<_> = FORMATS.iter().map(|format| format.name()).collect();
    assert!(families.iter().all(|name| MADE_ELSEWHERE.iter().any(|(made, _)| made == name)));
}

/// Who was known to the other server by a secret of more than 72 bytes is known here by it.
#[test]
fn bcrypt_reads_of_a_long_secret_what_the_origin_read() {
    let hash = "$2b$04$1NBO8IGkjV0oImE7qe3gSeWE0xhSkHjGBLxqYn24evbYSUPaAauyu";
    let [short, exact, long] = [71, 72, 1024].map(|length| "x".repeat(length));
    assert!(verify(hash, &exact) && verify(hash, &long));
    assert!(!verify(hash, &short) && !verify(hash, &format!("{short}y")));
}

/// Bits that say nothing may be set: some servers write salts with them.
#[test]
fn bcrypt_passes_over_the_bits_left_over() {
    let good = "$2b$04$88LJLFXoHD7WnxpLK2bjAufG6o9V9KpgHxlpNMWVuW15OPjMP8cZK";
    let (head, tail) = good.split_at(29);
    assert!(head.ends_with('u'));
    assert!(verify(&format!("{}v{tail}", &head[..28]), SECRET));
    assert!(verify(&format!("{}L", &good[..59]), SECRET));
    assert!(!verify(&format!("{}O", &good[..59]), SECRET));
}

#[test]
fn refuses_what_is_broken_and_says_what_it_should_be() {
    for broken in [
        "$2b$04$88LJLFXoHD7WnxpLK2bjAufG6o9V9KpgHxlpNMWVuW15OPjMP8cZ",
        "$2b$04$88LJLFXoHD7WnxpLK2bjAufG6o9V9KpgHxlpNMWVuW15OPjMP8cZKK",
        "$2b$4$88LJLFXoHD7WnxpLK2bjAufG6o9V9KpgHxlpNMWVuW15OPjMP8cZK",
        "$2b$03$88LJLFXoHD7WnxpLK2bjAufG6o9V9KpgHxlpNMWVuW15OPjMP8cZK",
        "$2x$04$88LJLFXoHD7WnxpLK2bjAufG6o9V9KpgHxlpNMWVuW15OPjMP8cZK",
        "$2b$04$88LJLFXoHD7WnxpLK2bjA+fG6o9V9KpgHxlpNMWVuW15OPjMP8cZK",
        "{bcrypt}",
        "$pbkdf2-sha224$i=1000,l=32$AQIDBAUGBwgJCgsMDQ4PEA$fek3CtZfxqVMyHQLbCMB9b/hchuPVaBFs5JIa0MrT2I",
        "$pbkdf2-sha256$i=0,l=32$AQIDBAUGBwgJCgsMDQ4PEA$fek3CtZfxqVMyHQLbCMB9b/hchuPVaBFs5JIa0MrT2I",
        "$pbkdf2-sha256$i=1000,l=33$AQIDBAUGBwgJCgsMDQ4PEA$fek3CtZfxqVMyHQLbCMB9b/hchuPVaBFs5JIa0MrT2I",
        "$pbkdf2-sha256$i=+1000,l=32$AQIDBAUGBwgJCgsMDQ4PEA$fek3CtZfxqVMyHQLbCMB9b/hchuPVaBFs5JIa0MrT2I",
        "$pbkdf2-sha256$i=1000,l=8$AQIDBAUGBwgJCgsMDQ4PEA$fek3CtZfxqU",
        "{pbkdf2}01020304050607084d6d84cddf15ec033c7ec3553c0ef421734b9b3f692afdc2c75db10e540bd7",
        "$argon2id$v=20$m=64,t=2,p=1$AQIDBAUGBwgJCgsMDQ4PEA$4PjJWRGdM0IsZh/n8jtNEQm4C9NFblxSsyU4JLI0P80",
        "$argon2id$v=19$m=64,t=0,p=1$AQIDBAUGBwgJCgsMDQ4PEA$4PjJWRGdM0IsZh/n8jtNEQm4C9NFblxSsyU4JLI0P80",
        "$argon2id$v=19$m=64,t=2,p=1$AQID$4PjJWRGdM0IsZh/n8jtNEQm4C9NFblxSsyU4JLI0P80",
        "$argon2x$v=19$m=64,t=2,p=1$AQIDBAUGBwgJCgsMDQ4PEA$4PjJWRGdM0IsZh/n8jtNEQm4C9NFblxSsyU4JLI0P80",
        "{scrypt}$a0002$AQIDBAUGBwgJCgsMDQ4PEA==$i+uy+WJ3nzMDYIKwpT66WCNjUDTyIA+vGuPwS6gbqmI=",
        "{scrypt}$a0802$AQIDBAUGBwgJCgsMDQ4PEA==",
        "$scrypt$ln=4,r=8$AQIDBAUGBwgJCgsMDQ4PEA$0rnuJC4r16n+u7pILEjkiTnbJAbKeaL0EcoTWcGdkOs",
        "{SHA-256}bb68c53754010b98d3df59c243cf147c4387a8f2792aa939868b8903df6146",
        "{SHA-256}{salt",
        "{sha256}bb68c53754010b98d3df59c243cf147c4387a8f2792aa939868b8903df614651",
    ] {
        let refused = SlowHash::parse(broken).unwrap_err().to_string();
        assert!(refused.starts_with("that is not a whole "), "{broken}: {refused}");
    }
    for unknown in
        ["", "secret", "$1$salt$hash", "{MD5}5f4dcc3b5aa765d61d8327deb882cf99", "{noop}x", "{bcrypt"]
    {
        let refused = SlowHash::parse(unknown).unwrap_err().to_string();
        assert!(refused.starts_with("that is not a hash of a kind known here"), "{unknown}: {refused}");
    }
    assert!(SlowHash::parse(&"$2".repeat(600)).unwrap_err().to_string().contains("longer"));
}

#[test]
fn refuses_what_would_cost_too_much() {
    for (costly, fine) in [
        ("$2b$17$88LJLFXoHD7WnxpLK2bjAufG6o9V9KpgHxlpNMWVuW15OPjMP8cZK", ("$17$", "$16$")),
        (
            "$pbkdf2-sha256$i=10000001,l=32$AQIDBAUGBwgJCgsMDQ4PEA$fek3CtZfxqVMyHQLbCMB9b/hchuPVaBFs5JIa0MrT2I",
            ("10000001", "10000000"),
        ),
        (
            "$argon2id$v=19$m=262145,t=16,p=16$AQIDBAUGBwgJCgsMDQ4PEA$4PjJWRGdM0IsZh/n8jtNEQm4C9NFblxSsyU4JLI0P80",
            ("262145", "262144"),
        ),
        (
            "$argon2id$v=19$m=64,t=17,p=1$AQIDBAUGBwgJCgsMDQ4PEA$4PjJWRGdM0IsZh/n8jtNEQm4C9NFblxSsyU4JLI0P80",
            ("t=17", "t=16"),
        ),
        (
            "$argon2id$v=19$m=640,t=1,p=17$AQIDBAUGBwgJCgsMDQ4PEA$4PjJWRGdM0IsZh/n8jtNEQm4C9NFblxSsyU4JLI0P80",
            ("p=17", "p=16"),
        ),
        (
            "{scrypt}$130801$AQIDBAUGBwgJCgsMDQ4PEA==$i+uy+WJ3nzMDYIKwpT66WCNjUDTyIA+vGuPwS6gbqmI=",
            ("$13", "$12"),
        ),
        (
            "{scrypt}$a0811$AQIDBAUGBwgJCgsMDQ4PEA==$i+uy+WJ3nzMDYIKwpT66WCNjUDTyIA+vGuPwS6gbqmI=",
            ("0811", "0810"),
        ),
        (
            "$scrypt$ln=63,r=8,p=1$AQIDBAUGBwgJCgsMDQ4PEA$0rnuJC4r16n+u7pILEjkiTnbJAbKeaL0EcoTWcGdkOs",
            ("ln=63", "ln=18"),
        ),
        (
            "$scrypt$ln=4,r=4294967295,p=1$AQIDBAUGBwgJCgsMDQ4PEA$0rnuJC4r16n+u7pILEjkiTnbJAbKeaL0EcoTWcGdkOs",
            ("4294967295", "131072"),
        ),
        (
            "$scrypt$ln=1,r=1048576,p=16$AQIDBAUGBwgJCgsMDQ4PEA$0rnuJC4r16n+u7pILEjkiTnbJAbKeaL0EcoTWcGdkOs",
            ("1048576", "8192"),
        ),
    ] {
        let refused = SlowHash::parse(costly).unwrap_err().to_string();
        assert!(refused.contains("cost too much") && refused.contains("new secret"), "{costly}: {refused}");
        let (limit, within) = fine;
        assert!(SlowHash::parse(&costly.replacen(limit, within, 1)).is_ok(), "{costly} with {within}");
    }
}

#[test]
fn a_secret_in_the_clear_is_told_by_its_label_alone() {
    match Exported::parse("{noop}{bcrypt}$2a$").unwrap() {
        Exported::Plain(secret) => assert_eq!(secret.expose(), "{bcrypt}$2a$"),
        Exported::Hash(hash) => panic!("{hash:?}"),
    }
    assert!(matches!(Exported::parse(MADE_ELSEWHERE[0].1), Ok(Exported::Hash(_))));
    assert!(Exported::parse("secret").is_err());
}

#[test]
fn neither_hashes_nor_refusals_show_the_text() {
    for (name, text) in MADE_ELSEWHERE {
        let exported = Exported::parse(text).unwrap();
        assert_eq!(format!("{exported:?}"), format!("Hash(SlowHash({name} …))"));
        let cut = &text[..text.len() - 3];
        if let Err(refused) = SlowHash::parse(cut) {
            let shown = format!("{refused} {refused:?}");
            assert!(!text.split(['$', '}']).any(|part| part.len() > 16 && shown.contains(part)), "{shown}");
        }
    }
}

proptest! {
    #[test]
    fn reading_never_panics(text in ".{0,120}") {
        let _ = Exported::parse(&text);
    }

    #[test]
    fn reading_what_is_nearly_a_hash_never_panics(
        which in 0..MADE_ELSEWHERE.len(),
        at in any::<prop::sample::Index>(),
        put in "[$={},0-9a-z+/é]{0,3}",
        removed in 0..4_usize,
    ) {
        let text = MADE_ELSEWHERE[which].1;
        let at = at.index(text.len());
        let rest = text.get((at + removed).min(text.len())..).unwrap_or_default();
        let _ = Exported::parse(&format!("{}{put}{rest}", &text[..at]));
    }
}
