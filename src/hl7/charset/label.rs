//! The labels of table 0211, and what else stands in MSH-18 in the field.

use encoding_rs::Encoding;

use super::{Charset, CharsetError, Kind};

/// The label, in capitals and digits only, looked up.
pub(super) fn find(label: &str) -> Option<Result<Charset, CharsetError>> {
    use encoding_rs as e;
    let encoding = match label {
        "ASCII" | "USASCII" | "ISOIR6" | "ANSI" => return Some(Ok(Charset::ASCII)),
        "UNICODEUTF16" | "UTF16" | "UTF16LE" | "UTF16BE" | "UCS2" => {
            return Some(Err(CharsetError::Wide {
                name: "UNICODE UTF-16",
            }));
        }
        "UNICODEUTF32" | "UTF32" | "UTF32LE" | "UTF32BE" | "UCS4" => {
            return Some(Err(CharsetError::Wide {
                name: "UNICODE UTF-32",
            }));
        }
        "CNS116431992" | "CNS11643" => {
            return Some(Err(CharsetError::Unsupported {
                name: "CNS 11643-1992",
            }));
        }
        "UNICODEUTF8" | "UNICODE" | "UTF8" | "ISOIR192" => e::UTF_8,
        "88591" | "LATIN1" | "ISOIR100" => e::WINDOWS_1252,
        "88592" | "LATIN2" | "ISOIR101" => e::ISO_8859_2,
        "88593" | "ISOIR109" => e::ISO_8859_3,
        "88594" | "ISOIR110" => e::ISO_8859_4,
        "88595" | "ISOIR144" => e::ISO_8859_5,
        "88596" | "ISOIR127" => e::ISO_8859_6,
        "88597" | "ISOIR126" => e::ISO_8859_7,
        "88598" | "ISOIR138" => e::ISO_8859_8,
        "88599" | "ISOIR148" => e::WINDOWS_1254,
        "885910" => e::ISO_8859_10,
        "885911" | "ISOIR166" | "TIS620" => e::WINDOWS_874,
        "885913" => e::ISO_8859_13,
        "885914" => e::ISO_8859_14,
        "885915" | "LATIN9" => e::ISO_8859_15,
        "885916" => e::ISO_8859_16,
        "ISOIR14" | "ISOIR13" | "ISOIR87" | "ISOIR159" | "ISO2022JP" => e::ISO_2022_JP,
        "SHIFTJIS" | "SJIS" | "WINDOWS31J" | "CP932" => e::SHIFT_JIS,
        "EUCJP" => e::EUC_JP,
        "GB180302000" | "GB18030" | "GB2312" | "GBK" | "CP936" | "ISOIR58" => e::GB18030,
        "KSX1001" | "KSC5601" | "EUCKR" | "CP949" | "ISOIR149" => e::EUC_KR,
        "BIG5" | "CP950" => e::BIG5,
        "KOI8R" => e::KOI8_R,
        "KOI8U" => e::KOI8_U,
        _ => return windows(label).map(|encoding| Ok(Charset(Kind::Encoding(encoding)))),
    };
    Some(Ok(Charset(Kind::Encoding(encoding))))
}

/// Windows code pages, not in the table and usual all the same: `WINDOWS-1250`, `CP1250`, `1250`.
fn windows(label: &str) -> Option<&'static Encoding> {
    use encoding_rs as e;
    let number = label
        .strip_prefix("WINDOWS")
        .or_else(|| label.strip_prefix("CP"))
        .unwrap_or(label);
    Some(match number {
        "874" => e::WINDOWS_874,
        "1250" => e::WINDOWS_1250,
        "1251" => e::WINDOWS_1251,
        "1252" => e::WINDOWS_1252,
        "1253" => e::WINDOWS_1253,
        "1254" => e::WINDOWS_1254,
        "1255" => e::WINDOWS_1255,
        "1256" => e::WINDOWS_1256,
        "1257" => e::WINDOWS_1257,
        "1258" => e::WINDOWS_1258,
        _ => return None,
    })
}
