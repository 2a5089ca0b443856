//! How a Linux lays out `struct page`, as the type information in its own file says it: BTF, which distributions build in.

use std::fs::File;
use std::path::Path;

use btfparse::{Error, ErrorKind, Integer32Value, Offset, Readable, TypeInformation, TypeVariant};
use object::LittleEndian;
use object::read::ReadCache;
use object::read::elf::SectionHeader;

use super::sections::sections;
use crate::inspect::struct_page::PageLayout;

/// The section of the type information.
const SECTION: &[u8] = b".BTF";
/// Most type information that is read, in bytes. A distribution's kernel has 4 to 6 MiB.
const MAX_BYTES: u64 = 64 << 20;
/// Deepest nesting of unnamed structures and unions that is followed. Linux's has 3.
const MAX_DEPTH: u32 = 8;

/// Where things are in the `struct page` of the kernel in this ELF file. None where the file does not say it, or says it otherwise than any
/// Linux does.
#[must_use]
pub fn page_layout(kernel: &Path) -> Option<PageLayout> {
    let cache = ReadCache::new(File::open(kernel).ok()?);
    let data = &cache;
    let sections = sections(data)?;
    let (_, section) = sections.section_by_name(LittleEndian, SECTION)?;
    if section.sh_size(LittleEndian) > MAX_BYTES {
        return None;
    }
    of(section.data(LittleEndian, data).ok()?)
}

fn of(btf: &[u8]) -> Option<PageLayout> {
    let types = TypeInformation::new(&Contents(btf)).ok()?;
    let page = types.id_of("page")?;
    let offset = |member: &str| offset_in(&types, page, member, MAX_DEPTH);
    // Since 6.11 the kinds of pages have a name, and stand in the uppermost byte.
    let page_table = value(&types, "pagetype", "PGTY_table");
    Some(PageLayout {
        size: types.size_of(page).ok()? as u64,
        flags: offset("flags")?,
        reserved_bit: value(&types, "pageflags", "PG_reserved")?,
        refcount: offset("_refcount")?,
        mapping: offset("mapping")?,
        compound_head: offset("compound_head")?,
        page_table: offset("page_type").zip(page_table),
    })
}

/// Where a member is, in bytes, as C finds it: among the members themselves, and in unnamed structures and unions among them. A file may
/// say of one that it has itself as a member, so this goes only so deep.
fn offset_in(types: &TypeInformation, id: u32, member: &str, depth: u32) -> Option<u64> {
    let members = match types.from_id(id)? {
        TypeVariant::Struct(found) => found.member_list().clone(),
        TypeVariant::Union(found) => found.member_list().clone(),
        _ => return None,
    };
    members.iter().find_map(|found| {
        let Offset::ByteOffset(start) = found.offset() else {
            return None;
        };
        let inside = match found.name() {
            Some(name) => (name == member).then_some(0)?,
            None if depth > 0 => offset_in(types, found.tid(), member, depth - 1)?,
            None => return None,
        };
        Some(u64::from(start) + inside)
    })
}

/// A value of an enumeration.
fn value(types: &TypeInformation, enumeration: &str, name: &str) -> Option<u32> {
    let Some(TypeVariant::Enum(found)) = types.from_id(types.id_of(enumeration)?) else {
        return None;
    };
    let named = found.named_value_list().iter().find(|value| value.name == name)?;
    match &named.value {
        Integer32Value::Unsigned(value) => Some(*value),
        Integer32Value::Signed(value) => u32::try_from(*value).ok(),
    }
}

/// Bytes that are read as a file.
struct Contents<'a>(&'a [u8]);

impl Readable for Contents<'_> {
    fn read(&self, offset: u64, buffer: &mut [u8]) -> btfparse::Result<()> {
        let part = usize::try_from(offset).ok().and_then(|start| {
            let end = start.checked_add(buffer.len())?;
            self.0.get(start..end)
        });
        let part = part.ok_or_else(|| Error::new(ErrorKind::IOError, "the section ends before"))?;
        buffer.copy_from_slice(part);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kinds of types, by BTF's numbers.
    const INT: u32 = 1;
    const STRUCT: u32 = 4;
    const UNION: u32 = 5;
    const ENUM: u32 = 6;

    /// Type information in the making; types have numbers from 1 on.
    #[derive(Default)]
    struct Btf {
        types: Vec<u32>,
        strings: Vec<u8>,
    }

    impl Btf {
        fn new() -> Btf {
            Btf {
                types: Vec::new(),
                strings: vec![0],
            }
        }

        fn name(&mut self, name: &str) -> u32 {
            if name.is_empty() {
                return 0;
            }
            let at = self.strings.len() as u32;
            self.strings.extend(name.bytes().chain([0]));
            at
        }

        fn put(&mut self, name: &str, kind: u32, size: u32, members: &[&[u32]]) {
            let name = self.name(name);
            self.types.extend([name, kind << 24 | members.len() as u32, size]);
            self.types.extend(members.concat());
        }

        fn int(&mut self, bytes: u32) {
            self.put("unsigned", INT, bytes, &[]);
            self.types.push(8 * bytes);
        }

        /// Members by name, type and offset in bytes.
        fn fields(&mut self, name: &str, kind: u32, size: u32, fields: &[(&str, u32, u32)]) {
            let fields: Vec<[u32; 3]> = fields
                .iter()
                .map(|(name, id, offset)| [self.name(name), *id, 8 * offset])
                .collect();
            let fields: Vec<&[u32]> = fields.iter().map(<[u32; 3]>::as_slice).collect();
            self.put(name, kind, size, &fields);
        }

        fn values(&mut self, name: &str, values: &[(&str, u32)]) {
            let values: Vec<[u32; 2]> = values
                .iter()
                .map(|(name, value)| [self.name(name), *value])
                .collect();
            let values: Vec<&[u32]> = values.iter().map(<[u32; 2]>::as_slice).collect();
            self.put(name, ENUM, 4, &values);
        }

        fn bytes(&self) -> Vec<u8> {
            let types: Vec<u8> = self.types.iter().flat_map(|word| word.to_le_bytes()).collect();
            let (types_len, strings_len) = (types.len() as u32, self.strings.len() as u32);
            let header = [24, 0, types_len, types_len, strings_len];
            let header = header.iter().flat_map(|word| word.to_le_bytes());
            [0x9f, 0xeb, 1, 0]
                .into_iter()
                .chain(header)
                .chain(types)
                .chain(self.strings.iter().copied())
                .collect()
        }
    }

    /// As Linux has it, with what is in its unnamed unions.
    fn linux(nested: u32) -> Btf {
        let mut btf = Btf::new();
        btf.int(8);
        btf.int(4);
        btf.fields("", STRUCT, 40, &[("lru", 1, 0), ("mapping", 1, 16)]);
        btf.fields("", STRUCT, 40, &[("compound_head", 1, 0)]);
        btf.fields("", UNION, 40, &[("", nested, 0), ("", 4, 0)]);
        btf.fields("", UNION, 4, &[("_mapcount", 2, 0), ("page_type", 2, 0)]);
        let page = [("flags", 1, 0), ("", 5, 8), ("", 6, 48), ("_refcount", 2, 52)];
        btf.fields("page", STRUCT, 64, &page);
        btf.values("pageflags", &[("PG_locked", 0), ("PG_reserved", 12)]);
        btf
    }

    #[test]
    fn members_are_found_in_unnamed_unions_and_kinds_of_pages_where_they_have_a_name() {
        let mut btf = linux(3);
        assert_eq!(of(&btf.bytes()), Some(PageLayout::OF_6_1));
        btf.values("pagetype", &[("PGTY_buddy", 0xf0), ("PGTY_table", 0xf2)]);
        let layout = PageLayout {
            page_table: Some((48, 0xf2)),
            ..PageLayout::OF_6_1
        };
        assert_eq!(of(&btf.bytes()), Some(layout));
    }

    #[test]
    fn a_union_that_has_itself_as_a_member_ends_and_what_is_no_type_information_says_nothing() {
        assert_eq!(of(&linux(5).bytes()), None);
        let bytes = linux(3).bytes();
        for len in [0, 3, 24, bytes.len() / 2] {
            assert_eq!(of(&bytes[..len]), None, "{len} bytes");
        }
    }
}
