use super::*;

const STANZAS: &str = "\
Types: deb deb-src
# an archive of snapshots
URIs: http://one.example/debian http://two.example/debian/
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://one.example/debian-security
Suites: bookworm-security
Components: main
";

fn mirror(uri: &str, suites: &[&str], options: &[(&str, &str)]) -> Mirror {
    Mirror {
        uri: uri.to_owned(),
        suites: suites.iter().map(|&suite| suite.to_owned()).collect(),
        options: options
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    }
}

fn configured_with(files: &[(&str, &str)]) -> Vec<Mirror> {
    let etc = tempfile::tempdir().unwrap();
    fs::create_dir(etc.path().join("sources.list.d")).unwrap();
    for (name, text) in files {
        fs::write(etc.path().join(name), text).unwrap();
    }
    configured(etc.path())
}

#[test]
fn a_stanza_gives_each_of_its_uris_and_the_security_archive_is_no_mirror() {
    let signed = [("Signed-By", "/usr/share/keyrings/debian-archive-keyring.gpg")];
    assert_eq!(
        configured_with(&[("sources.list.d/debian.sources", STANZAS)]),
        [
            mirror(
                "http://one.example/debian",
                &["bookworm", "bookworm-updates"],
                &signed
            ),
            mirror(
                "http://two.example/debian/",
                &["bookworm", "bookworm-updates"],
                &signed
            ),
        ]
    );
}

#[test]
fn lines_of_one_mirror_become_one_mirror_with_the_suites_of_all() {
    let list = "\
# deb http://commented.example/debian trixie main
deb http://one.example/debian trixie main # the system
deb [ arch=amd64 signed-by=/k.gpg trusted=no ] http://two.example/debian sid main
deb\thttp://one.example/debian/ trixie-updates contrib main
deb-src http://source.example/debian trixie main
deb http://one.example/debian trixie-proposed non-free
deb cdrom:[Debian GNU/Linux 13]/ trixie main
";
    assert_eq!(
        configured_with(&[("sources.list", list)]),
        [
            mirror("http://one.example/debian", &["trixie", "trixie-updates"], &[]),
            mirror(
                "http://two.example/debian",
                &["sid"],
                &[("Signed-By", "/k.gpg"), ("Trusted", "no")]
            ),
        ]
    );
}

#[test]
fn a_disabled_stanza_is_no_mirror_and_an_enabled_one_is() {
    let stanza = |enabled| {
        format!(
            "Enabled: {enabled}\nTypes: deb\nURIs: http://one.example/debian\nSuites: sid\nComponents: main\n"
        )
    };
    assert_eq!(
        configured_with(&[("sources.list.d/a.sources", &stanza("No"))]),
        []
    );
    assert_eq!(
        configured_with(&[("sources.list.d/a.sources", &stanza("yes"))]).len(),
        1
    );
}

#[test]
fn sources_of_third_parties_and_files_that_apt_ignores_are_no_mirrors() {
    let files = [
        (
            "sources.list.d/a.list",
            "deb http://packages.example/node nodistro main\n",
        ),
        (
            "sources.list.d/b.list",
            "deb http://packages.example/sdk sdk-bookworm main\n",
        ),
        (
            "sources.list.d/c.list.save",
            "deb http://one.example/debian sid main\n",
        ),
    ];
    assert_eq!(configured_with(&files), []);
    assert_eq!(configured(Path::new("/nonexistent")), []);
}

#[test]
fn a_damaged_file_does_not_hide_the_mirrors_of_the_others() {
    let files = [
        ("sources.list.d/a.sources", "this is no stanza\n"),
        (
            "sources.list.d/b.list",
            "deb http://one.example/debian sid main\n",
        ),
    ];
    assert_eq!(
        configured_with(&files),
        [mirror("http://one.example/debian", &["sid"], &[])]
    );
}

#[test]
fn the_systems_own_suites_are_tried_first_and_together_and_none_twice() {
    let groups = mirror("http://one.example/debian", &["trixie", "trixie-updates"], &[]).suites_to_try();
    assert_eq!(groups[0], ["trixie", "trixie-updates"]);
    assert!(groups[1..].contains(&vec!["trixie-backports".to_owned()]));
    assert!(groups[1..].contains(&vec!["sid".to_owned()]));
    assert!(!groups[1..].contains(&vec!["trixie".to_owned()]));
}

#[test]
fn an_embedded_key_survives_the_way_into_our_own_source() {
    let key = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBF\n -----END PGP PUBLIC KEY BLOCK-----";
    let stanza = format!(
        "Types: deb\nURIs: http://one.example/debian\nSuites: sid\nComponents: main\nSigned-By:\n {key}\n"
    );
    let mirrors = configured_with(&[("sources.list.d/a.sources", &stanza)]);
    let ours = mirrors[0].to_deb822(&["trixie-backports".to_owned()]);
    assert!(ours.contains("Suites: trixie-backports\n"), "{ours}");
    assert!(ours.contains(&format!("Signed-By: \n {key}\n")), "{ours}");
    assert_eq!(
        from_stanzas(&ours),
        [mirror("http://one.example/debian", &["trixie-backports"], &[]).with_options_of(&mirrors[0])]
    );
}

impl Mirror {
    fn with_options_of(mut self, other: &Self) -> Self {
        self.options.clone_from(&other.options);
        self
    }
}
