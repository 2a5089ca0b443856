use super::super::sample::{
    BSS, DATA, KERNEL_NAME, NUMBER, SYMBOL_DATA, SYMBOL_KERNEL, SYMBOL_NUMBER, SYMBOL_TEXT, Sample,
};
use super::*;
use crate::elf::u64_at;

const BASE: u64 = 0xffff_ffff_d000_0000;
const PRINTK: u64 = 0xffff_ffff_8020_1230;
const PAGE: u64 = abi::PAGE_SIZE;
/// Where the sample's data are.
const DATA_ADDRESS: u64 = BASE + 2 * PAGE;

fn find(name: &[u8]) -> Option<u64> {
    (name == KERNEL_NAME).then_some(PRINTK)
}

/// Loads an object of which nothing is known.
fn load(file: &[u8], base: u64) -> Result<(Vec<u8>, Layout), LoadError<'_>> {
    let object = Object::parse(file)?;
    let layout = Layout::of(&object)?;
    let mut memory = vec![0; layout.bytes() as usize];
    for (index, section) in object.sections() {
        if let Some(place) = layout.place_of(index) {
            store(&mut memory, place, object.contents(&section));
        }
    }
    relocate(&object, &layout, base, &mut memory, find)?;
    Ok((memory, layout))
}

fn at_4(kind: u32, symbol: u32, addend: i64) -> Relocation {
    Relocation {
        offset: 4,
        kind,
        symbol,
        addend,
    }
}

/// What is stored at offset 4 of the code.
fn stored(relocation: Relocation, base: u64) -> Result<u64, LoadError<'static>> {
    let file = Sample::new(&[relocation]).bytes().leak();
    load(file, base).map(|(memory, _)| u64_at(&memory, 4))
}

/// Four bytes stored among those of the code.
fn low_half(value: u64) -> u64 {
    value & u64::from(u32::MAX) | 0x9090_9090_0000_0000
}

#[test]
fn code_constants_and_data_lie_on_pages_of_their_own() {
    let file = Sample::new(&[]).bytes();
    let (memory, layout) = load(&file, BASE).unwrap();
    assert_eq!(layout.text, 0..PAGE);
    assert_eq!(layout.read_only, PAGE..2 * PAGE);
    assert_eq!(layout.data, 2 * PAGE..3 * PAGE);
    assert_eq!(
        (layout.place_of(DATA), layout.place_of(BSS)),
        (Some(2 * PAGE), Some(2 * PAGE + 16))
    );
    assert_eq!(memory[..32], [0x90; 32]);
    assert_eq!(memory[PAGE as usize..][..8], [0xc0; 8]);
    assert_eq!(memory[2 * PAGE as usize..][16..40], [0; 24]);
}

#[test]
fn each_type_stores_what_it_is_for() {
    let here = BASE + 4;
    let relative = DATA_ADDRESS.wrapping_sub(here);
    let cases = [
        (at_4(R_X86_64_64, SYMBOL_DATA, 3), DATA_ADDRESS + 3),
        (at_4(R_X86_64_64, SYMBOL_KERNEL, -1), PRINTK - 1),
        (at_4(R_X86_64_64, SYMBOL_NUMBER, 0), NUMBER),
        (at_4(R_X86_64_PC64, SYMBOL_DATA, -8), relative.wrapping_sub(8)),
        (at_4(R_X86_64_PC32, SYMBOL_DATA, -4), low_half(relative - 4)),
        (
            at_4(R_X86_64_PLT32, SYMBOL_KERNEL, -4),
            low_half(PRINTK.wrapping_sub(here + 4)),
        ),
        (at_4(R_X86_64_32S, SYMBOL_DATA, 7), low_half(DATA_ADDRESS + 7)),
        (at_4(R_X86_64_32, SYMBOL_NUMBER, 1), low_half(NUMBER + 1)),
    ];
    for (relocation, expected) in cases {
        assert_eq!(stored(relocation, BASE), Ok(expected), "{relocation:?}");
    }
}

#[test]
fn a_reference_by_way_of_a_word_finds_the_address_there() {
    for kind in [R_X86_64_GOTPCREL, R_X86_64_GOTPCRELX, R_X86_64_REX_GOTPCRELX] {
        let file = Sample::new(&[
            at_4(kind, SYMBOL_KERNEL, -4),
            Relocation {
                offset: 12,
                ..at_4(kind, SYMBOL_TEXT, -4)
            },
        ])
        .bytes();
        let (memory, layout) = load(&file, BASE).unwrap();
        assert!(layout.read_only.contains(&layout.words));
        let words = layout.words as usize;
        assert_eq!(
            (u64_at(&memory, words), u64_at(&memory, words + 8)),
            (PRINTK, BASE)
        );
        assert_eq!(u64_at(&memory, 4), low_half(layout.words - 8));
        assert_eq!(u64_at(&memory, 12), low_half(layout.words + 8 - 16));
    }
}

#[test]
fn types_that_the_kernel_does_not_know_are_refused_by_number() {
    for kind in [0, 3, 5, 8, 25, 200, u32::MAX] {
        let found = stored(at_4(kind, SYMBOL_DATA, 0), BASE);
        assert_eq!(found, Err(LoadError::UnknownRelocation { kind }));
    }
}

#[test]
fn what_the_kernel_does_not_offer_is_refused_by_name() {
    let sample = Sample::new(&[at_4(R_X86_64_64, SYMBOL_KERNEL, 0)]);
    let file = sample.with(1, |names| names.contents[7] = b'q').bytes();
    let error = load(&file, BASE).unwrap_err();
    assert_eq!(error, LoadError::UnknownSymbol { name: b"qrintk" });
    assert_eq!(error.to_string(), "unknown symbol `qrintk`");
}

#[test]
fn relocations_outside_of_their_section_are_refused() {
    for (offset, kind) in [
        (29, R_X86_64_PC32),
        (25, R_X86_64_64),
        (u64::MAX, R_X86_64_64),
        (u64::MAX - 3, R_X86_64_PC32),
    ] {
        let relocation = Relocation {
            offset,
            ..at_4(kind, SYMBOL_TEXT, 0)
        };
        let found = stored(relocation, BASE);
        assert_eq!(found, Err(LoadError::RelocationOutside { kind, offset }));
    }
    let at_the_end = Relocation {
        offset: 28,
        ..at_4(R_X86_64_PC32, SYMBOL_TEXT, 0)
    };
    assert!(stored(at_the_end, BASE).is_ok());
}

#[test]
fn addresses_that_do_not_fit_are_refused() {
    let overflow = |kind, symbol, addend, base| {
        let found = stored(at_4(kind, symbol, addend), base);
        found == Err(LoadError::RelocationOverflow { kind, offset: 4 })
    };
    assert!(overflow(R_X86_64_32, SYMBOL_DATA, 0, BASE));
    assert!(overflow(R_X86_64_32S, SYMBOL_NUMBER, 1 << 31, BASE));
    assert!(overflow(R_X86_64_PC32, SYMBOL_NUMBER, i64::MAX, BASE));
    assert!(overflow(R_X86_64_PLT32, SYMBOL_KERNEL, 0, 0x1000_0000));
}

#[test]
fn a_module_that_is_too_large_is_refused_before_memory_is_taken() {
    let sample = Sample::new(&[]);
    for bytes in [17 << 20, u64::MAX, u64::MAX - 4096] {
        let file = sample.with(BSS, |bss| bss.bytes = bytes).bytes();
        assert_eq!(load(&file, BASE).err(), Some(LoadError::TooLarge));
    }
}

#[test]
fn an_object_with_any_byte_changed_is_loaded_or_refused() {
    let whole = Sample::new(&[
        at_4(R_X86_64_PC32, SYMBOL_DATA, 0),
        at_4(R_X86_64_GOTPCREL, SYMBOL_KERNEL, 0),
        at_4(R_X86_64_64, SYMBOL_TEXT, 0),
    ])
    .bytes();
    let mut loaded = 0;
    for at in 0..whole.len() {
        for byte in [0, 1, 2, 4, 8, 0x7f, 0x80, 0xff] {
            let mut file = whole.clone();
            file[at] = byte;
            loaded += u32::from(load(&file, BASE).is_ok());
        }
    }
    assert!(loaded > 0);
}
