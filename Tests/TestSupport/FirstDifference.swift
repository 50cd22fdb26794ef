import Foundation

/// Where two sequences of bytes differ, as text; nil where they do not.
///
/// For long content. Without optimization, comparing megabytes with `==` or `elementsEqual` occupies a thread that other tests
/// need for seconds; and when `#expect(a == b)` fails it computes which elements were inserted and which removed, which
/// takes hours.
public func firstDifference(_ bytes: some Collection<UInt8>, _ expected: some Collection<UInt8>) -> String? {
    let isEqual = bytes.withContiguousStorageIfAvailable { bytes in
        expected.withContiguousStorageIfAvailable { expected in
            bytes.count == expected.count
                && (bytes.isEmpty || memcmp(bytes.baseAddress!, expected.baseAddress!, bytes.count) == 0)
        }
    }
    guard isEqual != true, !bytes.elementsEqual(expected) else { return nil }
    let offset = zip(bytes, expected).prefix { $0 == $1 }.count
    return "\(bytes.count) bytes differ from the \(expected.count) expected ones from offset \(offset) on"
}
