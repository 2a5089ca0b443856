//! The kernel and its modules hold no instruction that stops KVM where it has to interpret the kernel.
//!
//! Without hardware virtualization KVM's instruction emulator executes kernel code, and an instruction that it does not know
//! ends the virtual machine. Compilers choose instructions freely, so the finished image is searched, all of it.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes helpers of integration tests for library code"
)]

use std::cmp::Reverse;

use iced_x86::{
    CpuidFeature, Decoder, DecoderOptions, EncodingKind, Formatter, Instruction, Mnemonic, NasmFormatter,
    OpKind,
};
use object::{Object, ObjectSection, ObjectSymbol, SectionFlags, elf::SHF_EXECINSTR};
use vmm::image::{self, ImageKind};

/// Where the PVH protocol enters the kernel, in 32-bit mode; the next symbol is where 64-bit mode starts.
const PVH_ENTRY: &str = "pvh_start";

#[test]
fn the_shipped_kernel_holds_only_what_kvm_can_interpret() {
    assert_searched_without_finding(ImageKind::Shipped);
}

#[test]
fn the_kernel_with_mutants_holds_only_what_kvm_can_interpret() {
    assert_searched_without_finding(ImageKind::Mutants);
}

#[test]
fn modules_hold_only_what_kvm_can_interpret() {
    let image = image::ensure(ImageKind::Shipped, &*image::to_stderr()).unwrap();
    assert!(!image.modules.is_empty(), "modules are shipped");
    for module in &image.modules {
        let file = std::fs::read(image.program_dir.join(module)).unwrap();
        let pieces = executable_pieces(&object::File::parse(&*file).unwrap());
        let findings: Vec<String> = pieces.iter().flat_map(search).collect();
        assert!(findings.is_empty(), "{module}: {}", findings.join("\n"));
    }
}

fn assert_searched_without_finding(kind: ImageKind) {
    let image = image::ensure(kind, &*image::to_stderr()).unwrap();
    let file = std::fs::read(image.kernel).unwrap();
    let pieces = executable_pieces(&object::File::parse(&*file).unwrap());
    let entries = pieces.iter().filter(|piece| piece.bits == 32).count();
    assert_eq!(entries, 1, "pieces of 32-bit code, which `{PVH_ENTRY}` alone is");
    let findings: Vec<String> = pieces.iter().flat_map(search).collect();
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

/// Bytes of an executable section from one symbol to the next.
struct Piece<'a> {
    symbol: String,
    address: u64,
    bits: u32,
    code: &'a [u8],
    /// What follows the end of a function whose size is known.
    padding: &'a [u8],
}

fn executable_pieces<'a>(file: &object::File<'a>) -> Vec<Piece<'a>> {
    let sections: Vec<_> = file.sections().filter(is_executable).collect();
    assert!(!sections.is_empty(), "a kernel has code");
    sections
        .iter()
        .flat_map(|section| pieces_of(file, section))
        .collect()
}

fn is_executable(section: &object::Section<'_, '_>) -> bool {
    matches!(section.flags(), SectionFlags::Elf { sh_flags, .. } if sh_flags.0 & SHF_EXECINSTR.0 != 0)
}

fn pieces_of<'a>(file: &object::File<'a>, section: &object::Section<'a, '_>) -> Vec<Piece<'a>> {
    let (start, bytes) = (section.address(), section.data().unwrap());
    let end = start + bytes.len() as u64;
    let mut symbols: Vec<(u64, u64, &str)> = file
        .symbols()
        .filter(|symbol| symbol.section_index() == Some(section.index()) && symbol.address() < end)
        .map(|symbol| (symbol.address(), symbol.size(), symbol.name().unwrap()))
        .collect();
    symbols.push((start, 0, "the start of the section"));
    symbols
        .sort_by_key(|&(address, size, name)| (address, Reverse(size), name == "the start of the section"));
    symbols.dedup_by_key(|&mut (address, ..)| address);
    let ends = symbols.iter().skip(1).map(|&(address, ..)| address).chain([end]);
    let slice = |from: u64, to: u64| &bytes[(from - start) as usize..(to - start) as usize];
    std::iter::zip(&symbols, ends)
        .map(|(&(address, size, name), end)| {
            let code_end = if size == 0 { end } else { end.min(address + size) };
            Piece {
                symbol: format!("{:#}", rustc_demangle::demangle(name)),
                address,
                bits: if name == PVH_ENTRY { 32 } else { 64 },
                code: slice(address, code_end),
                padding: slice(code_end, end),
            }
        })
        .collect()
}

/// What is wrong with a piece, each with its place.
fn search(piece: &Piece<'_>) -> Vec<String> {
    let padding_address = piece.address + piece.code.len() as u64;
    let code = instructions(piece.code, piece.address, piece.bits)
        .map(|instruction| (reason(&instruction), instruction));
    let padding = instructions(piece.padding, padding_address, piece.bits).map(|instruction| {
        let stray = instruction.mnemonic() != Mnemonic::Nop;
        (
            stray.then_some("no symbol covers it, and it is no padding"),
            instruction,
        )
    });
    code.chain(padding)
        .filter_map(|(reason, instruction)| {
            let mut text = String::new();
            NasmFormatter::new().format(&instruction, &mut text);
            Some(format!(
                "{:#x} in {}: `{text}`: {}",
                instruction.ip(),
                piece.symbol,
                reason?
            ))
        })
        .collect()
}

fn instructions(bytes: &[u8], address: u64, bits: u32) -> impl Iterator<Item = Instruction> {
    Decoder::with_ip(bits, bytes, address, DecoderOptions::NONE)
        .into_iter()
        .collect::<Vec<_>>()
        .into_iter()
}

/// Why an instruction must not be in the kernel.
fn reason(instruction: &Instruction) -> Option<&'static str> {
    let rule = FORBIDDEN.iter().find(|(_, forbidden)| forbidden(instruction));
    rule.map(|(reason, _)| *reason)
}

type Rule = (&'static str, fn(&Instruction) -> bool);

const NOT_CODE: &str = "not an instruction: data among the code?";
const ENCODING: &str = "the emulator has no table for VEX, EVEX and XOP encodings";
const SIMD: &str = "the emulator does not compute with vector registers: it only loads and stores them";
const FLOATING_POINT: &str = "the emulator does not compute with x87 and MMX registers";
const EXTENDED_STATE: &str = "the emulator does not know the xsave family; fxsave and fxrstor it does";
const ACCESS_PREVENTION: &str = "the emulator does not know them, so SMAP stays off";
const COUNTING: &str = "the emulator does not know popcnt; the baseline of x86-64 has none";
const TIME_STAMP: &str = "the emulator does not know rdtscp; rdtsc it does";
const WIDE_EXCHANGE: &str = "the emulator exchanges at most 8 bytes";
const ADDITION: &str = "the emulator does not know adcx and adox; adc it does";
const INVALIDATION: &str = "the emulator does not know invpcid; invlpg and writes to CR3 it does";
const WAITING: &str = "the emulator does not know monitor and mwait; hlt it does";
const INTERRUPT: &str = "the emulator does not deliver software interrupts in protected mode; ud2 traps too";
const SELECTORS: &str = "the emulator does not look selectors up";
const HYPERCALL: &str = "KVM never comes back from it where it interprets the kernel";

/// The first rule that fits gives the reason.
const FORBIDDEN: [Rule; 15] = [
    (NOT_CODE, Instruction::is_invalid),
    (ENCODING, |instruction| {
        instruction.code().encoding() != EncodingKind::Legacy
    }),
    (SIMD, |instruction| {
        use CpuidFeature::{AES, GFNI, PCLMULQDQ, SHA, SSE, SSE2, SSE3, SSE4_1, SSE4_2, SSE4A, SSSE3};
        let extensions = [
            SSE, SSE2, SSE3, SSSE3, SSE4_1, SSE4_2, SSE4A, AES, GFNI, PCLMULQDQ, SHA,
        ];
        belongs(instruction, &extensions) && !is_vector_load_or_store(instruction)
    }),
    (FLOATING_POINT, |instruction| {
        use CpuidFeature::{D3NOW, FPU, MMX};
        belongs(instruction, &[FPU, MMX, D3NOW]) || instruction.mnemonic() == Mnemonic::Wait
    }),
    (EXTENDED_STATE, |instruction| {
        use CpuidFeature::{XSAVE, XSAVEC, XSAVEOPT, XSAVES};
        belongs(instruction, &[XSAVE, XSAVEC, XSAVEOPT, XSAVES])
    }),
    (ACCESS_PREVENTION, |instruction| {
        belongs(instruction, &[CpuidFeature::SMAP])
    }),
    (COUNTING, |instruction| {
        belongs(instruction, &[CpuidFeature::POPCNT])
    }),
    (TIME_STAMP, |instruction| {
        belongs(instruction, &[CpuidFeature::RDTSCP])
    }),
    (WIDE_EXCHANGE, |instruction| {
        belongs(instruction, &[CpuidFeature::CMPXCHG16B])
    }),
    (ADDITION, |instruction| belongs(instruction, &[CpuidFeature::ADX])),
    (INVALIDATION, |instruction| {
        belongs(instruction, &[CpuidFeature::INVPCID])
    }),
    (WAITING, |instruction| {
        belongs(instruction, &[CpuidFeature::MONITOR, CpuidFeature::MONITORX])
    }),
    (INTERRUPT, |instruction| {
        matches!(
            instruction.mnemonic(),
            Mnemonic::Int | Mnemonic::Int1 | Mnemonic::Int3 | Mnemonic::Into
        )
    }),
    (SELECTORS, |instruction| {
        matches!(
            instruction.mnemonic(),
            Mnemonic::Lar | Mnemonic::Lsl | Mnemonic::Verr | Mnemonic::Verw
        )
    }),
    (HYPERCALL, |instruction| {
        matches!(instruction.mnemonic(), Mnemonic::Vmcall | Mnemonic::Vmmcall)
    }),
];

/// The instruction belongs to one of these extensions.
fn belongs(instruction: &Instruction, extensions: &[CpuidFeature]) -> bool {
    instruction
        .cpuid_features()
        .iter()
        .any(|feature| extensions.contains(feature))
}

fn is_vector_load_or_store(instruction: &Instruction) -> bool {
    let moves = matches!(instruction.mnemonic(), Mnemonic::Movups | Mnemonic::Movdqu);
    moves && instruction.op_kinds().any(|kind| kind == OpKind::Memory)
}

#[test]
fn each_class_of_deadly_instructions_is_recognised() {
    let deadly: &[(&str, &[&[u8]])] = &[
        (NOT_CODE, &[&[0x06], &[0xff, 0xff], &[0x48]]),
        // vpxor xmm, xmm, xmm; mulx rax, rax, rax; vpxord zmm, zmm, zmm
        (
            ENCODING,
            &[
                &[0xc5, 0xf9, 0xef, 0xc0],
                &[0xc4, 0xe2, 0xfb, 0xf6, 0xc0],
                &[0x62, 0xf1, 0x7d, 0x48, 0xef, 0xc0],
            ],
        ),
        // xorps, pxor, movq xmm, rax, movups between registers, crc32 eax, al, ldmxcsr [rdi], stmxcsr [rdi]
        (
            SIMD,
            &[
                &[0x0f, 0x57, 0xc0],
                &[0x66, 0x0f, 0xef, 0xc0],
                &[0x66, 0x48, 0x0f, 0x6e, 0xc0],
                &[0x0f, 0x10, 0xc1],
                &[0xf2, 0x0f, 0x38, 0xf0, 0xc0],
                &[0x0f, 0xae, 0x17],
                &[0x0f, 0xae, 0x1f],
            ],
        ),
        // fwait, emms, fld1
        (FLOATING_POINT, &[&[0x9b], &[0x0f, 0x77], &[0xd9, 0xe8]]),
        // xsave [rdi], xrstor [rdi], xgetbv, xsaveopt [rdi], xsaves [rdi], xsavec [rdi]
        (
            EXTENDED_STATE,
            &[
                &[0x0f, 0xae, 0x27],
                &[0x0f, 0xae, 0x2f],
                &[0x0f, 0x01, 0xd0],
                &[0x0f, 0xae, 0x37],
                &[0x0f, 0xc7, 0x2f],
                &[0x0f, 0xc7, 0x27],
            ],
        ),
        // clac, stac
        (ACCESS_PREVENTION, &[&[0x0f, 0x01, 0xca], &[0x0f, 0x01, 0xcb]]),
        (COUNTING, &[&[0xf3, 0x0f, 0xb8, 0xc0]]),
        (TIME_STAMP, &[&[0x0f, 0x01, 0xf9]]),
        (WIDE_EXCHANGE, &[&[0xf0, 0x48, 0x0f, 0xc7, 0x0f]]),
        // adcx eax, eax; adox eax, eax
        (
            ADDITION,
            &[&[0x66, 0x0f, 0x38, 0xf6, 0xc0], &[0xf3, 0x0f, 0x38, 0xf6, 0xc0]],
        ),
        (INVALIDATION, &[&[0x66, 0x0f, 0x38, 0x82, 0x07]]),
        // monitor, mwait
        (WAITING, &[&[0x0f, 0x01, 0xc8], &[0x0f, 0x01, 0xc9]]),
        // int3, int 0x80, int1
        (INTERRUPT, &[&[0xcc], &[0xcd, 0x80], &[0xf1]]),
        // lar, lsl, verr, verw
        (
            SELECTORS,
            &[
                &[0x0f, 0x02, 0xc0],
                &[0x0f, 0x03, 0xc0],
                &[0x0f, 0x00, 0xe0],
                &[0x0f, 0x00, 0xe8],
            ],
        ),
        // vmcall, vmmcall
        (HYPERCALL, &[&[0x0f, 0x01, 0xc1], &[0x0f, 0x01, 0xd9]]),
    ];
    assert_eq!(deadly.len(), FORBIDDEN.len(), "an example for each rule");
    for (expected, examples) in deadly {
        for bytes in *examples {
            assert_eq!(reason(&only_instruction(bytes)), Some(*expected), "{bytes:02x?}");
        }
    }
}

#[test]
fn instructions_that_kvm_interprets_are_left_alone() {
    // movups xmm0, [rdi]; movdqu [rdi], xmm0; fxsave [rdi]; fxrstor [rdi]; rep stosq; rep movsq; lock cmpxchg8b [rdi];
    // lock xadd [rdi], eax; cpuid; rdtsc; wrmsr; swapgs; iretq; sysretq; hlt; ud2; out dx, eax; invlpg [rdi];
    // mov cr3, rax; rdrand eax; pause; nop; ltr ax; lgdt [rdi]
    let harmless: &[&[u8]] = &[
        &[0x0f, 0x10, 0x07],
        &[0xf3, 0x0f, 0x7f, 0x07],
        &[0x0f, 0xae, 0x07],
        &[0x0f, 0xae, 0x0f],
        &[0xf3, 0x48, 0xab],
        &[0xf3, 0x48, 0xa5],
        &[0xf0, 0x0f, 0xc7, 0x0f],
        &[0xf0, 0x0f, 0xc1, 0x07],
        &[0x0f, 0xa2],
        &[0x0f, 0x31],
        &[0x0f, 0x30],
        &[0x0f, 0x01, 0xf8],
        &[0x48, 0xcf],
        &[0x48, 0x0f, 0x07],
        &[0xf4],
        &[0x0f, 0x0b],
        &[0xef],
        &[0x0f, 0x01, 0x3f],
        &[0x0f, 0x22, 0xd8],
        &[0x0f, 0xc7, 0xf0],
        &[0xf3, 0x90],
        &[0x90],
        &[0x0f, 0x00, 0xd8],
        &[0x0f, 0x01, 0x17],
    ];
    for bytes in harmless {
        assert_eq!(reason(&only_instruction(bytes)), None, "{bytes:02x?}");
    }
}

#[test]
fn only_no_ops_may_follow_the_end_of_a_function() {
    let piece = |padding| Piece {
        symbol: "f".to_owned(),
        address: 0x1000,
        bits: 64,
        code: &[0xc3],
        padding,
    };
    assert!(search(&piece(&[0x90, 0x66, 0x90, 0x0f, 0x1f, 0x00])).is_empty());
    assert_eq!(
        search(&piece(&[0x90, 0xc3])),
        ["0x1002 in f: `ret`: no symbol covers it, and it is no padding"]
    );
}

fn only_instruction(bytes: &[u8]) -> Instruction {
    let found: Vec<_> = instructions(bytes, 0, 64).collect();
    let [instruction] = found[..] else {
        panic!("{bytes:02x?} should be one instruction, and is {}", found.len());
    };
    instruction
}
