//! Kernels of a few instructions: PVH ELF files made of machine code.

/// Physical address of the first instruction, which runs in 32-bit protected mode without paging.
pub(crate) const ENTRY: u32 = 0x0020_0000;

/// `mov edx, port; mov eax, value; out dx, eax`
fn out(port: u16, value: u32) -> Vec<u8> {
    let mut code = vec![0xba];
    code.extend(u32::from(port).to_le_bytes());
    code.push(0xb8);
    code.extend(value.to_le_bytes());
    code.push(0xef);
    code
}

/// `out` of the address of an event record that lies behind the code.
pub(crate) fn report(kind: u32, arguments: [u64; 4], text: &[u8]) -> Vec<u8> {
    let record_at = ENTRY + 64;
    let mut code = out(abi::event::PORT, record_at);
    code.push(0xf4); // hlt: not reached when the event ends the run
    code.resize(64, 0);
    code.extend(kind.to_le_bytes());
    code.extend(0_u32.to_le_bytes());
    arguments
        .iter()
        .for_each(|argument| code.extend(argument.to_le_bytes()));
    code.extend(text);
    code
}

/// An ELF file with one segment, `code` at [`ENTRY`], and the note that says so (Xen's `elfnote.h`: owner "Xen", type 18).
pub(crate) fn elf(code: &[u8]) -> Vec<u8> {
    const HEADER: u64 = 64;
    const PROGRAM_HEADER: u64 = 56;
    let note_at = HEADER + 2 * PROGRAM_HEADER;
    let mut note = Vec::new();
    for word in [4, 4, 18, u32::from_le_bytes(*b"Xen\0"), ENTRY] {
        note.extend(word.to_le_bytes());
    }
    let code_at = note_at + note.len() as u64;
    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    file.extend(2_u16.to_le_bytes()); // ET_EXEC
    file.extend(62_u16.to_le_bytes()); // EM_X86_64
    file.extend(1_u32.to_le_bytes());
    [ENTRY.into(), HEADER, 0]
        .iter()
        .for_each(|field: &u64| file.extend(field.to_le_bytes()));
    file.extend(0_u32.to_le_bytes());
    for field in [HEADER, PROGRAM_HEADER, 2, 0, 0, 0] {
        file.extend(u16::try_from(field).expect("a short header").to_le_bytes());
    }
    let mut segment = |kind: u32, flags: u32, at: u64, address: u64, len: u64| {
        file.extend(kind.to_le_bytes());
        file.extend(flags.to_le_bytes());
        [at, address, address, len, len, 1]
            .iter()
            .for_each(|field| file.extend(field.to_le_bytes()));
    };
    segment(1, 7, code_at, ENTRY.into(), code.len() as u64); // PT_LOAD
    segment(4, 4, note_at, 0, note.len() as u64); // PT_NOTE
    file.extend(note);
    file.extend(code);
    file
}
