use super::super::sample::{
    ALLOC, BSS, CONSTANTS, DATA, EXECUTE, KERNEL_NAME, NUMBER, PROGBITS, RELOCATIONS, SYMBOL_DATA,
    SYMBOL_KERNEL, SYMBOL_NUMBER, SYMBOLS, SYMTAB, Sample, TEXT, WRITE, put,
};
use super::*;

const RELOCATION: Relocation = Relocation {
    offset: 4,
    kind: 2,
    symbol: SYMBOL_DATA,
    addend: -4,
};

fn sample() -> Sample {
    Sample::new(&[RELOCATION])
}

fn error_of(file: &[u8]) -> LoadError<'_> {
    Object::parse(file).unwrap_err()
}

/// Whether an object is refused for a section of that number.
fn is_bad(sample: &Sample, section: usize) -> bool {
    let file = sample.bytes();
    matches!(error_of(&file), LoadError::BadSection { index, .. } if index == section)
}

#[test]
fn sections_symbols_and_relocations_are_found() {
    let file = sample().bytes();
    let object = Object::parse(&file).unwrap();
    let uses: Vec<_> = object.sections().map(|(_, section)| section.use_of()).collect();
    let loaded = [Use::Text, Use::ReadOnly, Use::Data, Use::Data].map(Some);
    assert_eq!(uses, [&[None, None], &loaded[..], &[None, None]].concat());
    let is_named = |name| object.is_named(&object.section(TEXT), name);
    assert!(is_named(".text") && !is_named(".tex") && !is_named(".text.hot"));
    assert_eq!(object.contents(&object.section(DATA)), [0xda; 16]);
    assert_eq!(object.section(BSS).bytes, 24);
    assert_eq!(object.contents(&object.section(BSS)), []);

    let (section, offset) = (DATA, 0);
    assert_eq!(
        object.symbol(SYMBOL_DATA),
        Ok(Symbol::Defined { section, offset })
    );
    let name = KERNEL_NAME;
    assert_eq!(object.symbol(SYMBOL_KERNEL), Ok(Symbol::Undefined { name }));
    assert_eq!(
        object.symbol(SYMBOL_NUMBER),
        Ok(Symbol::Absolute { value: NUMBER })
    );
    assert_eq!(object.symbol(0), Ok(Symbol::Absolute { value: 0 }));

    let relocations: Vec<_> = object
        .relocations()
        .map(|(target, relocations)| (target, relocations.collect::<Vec<_>>()))
        .collect();
    assert_eq!(relocations, [(TEXT, vec![RELOCATION])]);
}

#[test]
fn other_formats_types_and_machines_are_refused() {
    for (at, byte) in [(0, b'#'), (4, 1), (5, 2), (16, 2), (16, 3), (18, 40), (58, 40)] {
        let mut file = sample().bytes();
        put(&mut file, at, &[byte]);
        assert_eq!(error_of(&file), LoadError::NotAnObject, "{byte} at {at}");
    }
}

#[test]
fn an_object_that_is_cut_off_anywhere_is_refused() {
    let file = sample().bytes();
    for len in 0..file.len() {
        assert!(Object::parse(&file[..len]).is_err(), "{len}");
    }
    assert!(Object::parse(&file).is_ok());
}

#[test]
fn section_headers_that_are_not_in_the_file_are_refused() {
    let part = "table of sections";
    for offset in [1, u64::MAX, u64::MAX - 63, 1 << 40] {
        let mut file = sample().bytes();
        let end = file.len() as u64;
        put(
            &mut file,
            40,
            &offset.checked_add(end).unwrap_or(offset).to_le_bytes(),
        );
        assert_eq!(error_of(&file), LoadError::CutOff { part });
    }
    let mut file = sample().bytes();
    put(&mut file, 60, &u16::MAX.to_le_bytes());
    assert_eq!(error_of(&file), LoadError::CutOff { part });
}

#[test]
fn contents_that_are_not_in_the_file_are_refused() {
    for bytes in [1 << 20, u64::MAX, 1 << 63] {
        let file = sample().with(DATA, |section| section.bytes = bytes).bytes();
        assert_eq!(error_of(&file), LoadError::CutOff { part: "section" });
    }
}

#[test]
fn an_object_needs_names_and_one_symbol_table() {
    let no_names = LoadError::CutOff {
        part: "table of names",
    };
    for index in [0, TEXT as u16, u16::MAX] {
        let mut file = sample().bytes();
        put(&mut file, 62, &index.to_le_bytes());
        assert_eq!(error_of(&file), no_names);
    }
    let file = sample().with(1, |names| names.bytes -= 1).bytes();
    assert_eq!(error_of(&file), no_names);
    let file = sample().with(SYMBOLS, |table| table.link = 99).bytes();
    assert_eq!(error_of(&file), no_names);
    let file = sample().with(SYMBOLS, |table| table.kind = PROGBITS).bytes();
    assert_eq!(error_of(&file), LoadError::CutOff { part: "symbol table" });
    let second = sample().with(CONSTANTS, |section| {
        (section.kind, section.entry_bytes) = (SYMTAB, 24);
        (section.contents, section.bytes) = (vec![0; 24], 24);
    });
    assert!(is_bad(&second, CONSTANTS));
}

#[test]
fn sections_with_impossible_headers_are_refused_by_number() {
    assert!(is_bad(&sample().with(TEXT, |section| section.name = 99), TEXT));
    for alignment in [3, 24, 8192, u64::MAX] {
        assert!(is_bad(
            &sample().with(DATA, |section| section.alignment = alignment),
            DATA
        ));
    }
    assert!(is_bad(
        &sample().with(SYMBOLS, |section| section.entry_bytes = 16),
        SYMBOLS
    ));
    assert!(is_bad(
        &sample().with(SYMBOLS, |section| section.bytes -= 1),
        SYMBOLS
    ));
    assert!(is_bad(
        &sample().with(RELOCATIONS, |section| section.entry_bytes = 0),
        RELOCATIONS
    ));
    assert!(is_bad(
        &sample().with(RELOCATIONS, |section| section.info = 8),
        RELOCATIONS
    ));
}

#[test]
fn sections_that_the_kernel_does_not_load_are_refused_by_number() {
    let with_flags = |flags| sample().with(TEXT, |section| section.flags = flags);
    assert!(is_bad(&with_flags(ALLOC | WRITE | EXECUTE), TEXT));
    assert!(is_bad(&with_flags(ALLOC | SHF_TLS), TEXT));
    assert!(is_bad(
        &sample().with(TEXT, |section| section.kind = SHT_REL),
        TEXT
    ));
}

#[test]
fn symbols_that_lie_nowhere_are_refused() {
    let symbol = |at: usize, bytes: &[u8]| {
        let sample = sample().with(SYMBOLS, |table| {
            put(
                &mut table.contents,
                SYMBOL_DATA as usize * SYMBOL_BYTES + at,
                bytes,
            );
        });
        let file = sample.bytes();
        Object::parse(&file).unwrap().symbol(SYMBOL_DATA).is_err()
    };
    assert!(symbol(8, &17_u64.to_le_bytes()), "behind its section");
    assert!(symbol(8, &u64::MAX.to_le_bytes()), "far behind its section");
    assert!(symbol(6, &8_u16.to_le_bytes()), "in no section");
    assert!(symbol(6, &0xfff2_u16.to_le_bytes()), "common");
    assert!(
        symbol(6, &u16::MAX.to_le_bytes()),
        "in a section of a large number"
    );
    let file = sample().bytes();
    let object = Object::parse(&file).unwrap();
    for index in [7, u32::MAX] {
        assert_eq!(object.symbol(index), Err(LoadError::BadSymbol { index }));
    }
    let unnamed = sample().with(SYMBOLS, |table| {
        put(&mut table.contents, SYMBOL_KERNEL as usize * SYMBOL_BYTES, &[99]);
    });
    let file = unnamed.bytes();
    assert!(Object::parse(&file).unwrap().symbol(SYMBOL_KERNEL).is_err());
}
