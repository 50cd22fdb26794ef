/// Where two sequences of bytes differ, as text; nil where they do not.
///
/// For long content: when `#expect(a == b)` fails it computes which elements were inserted and which removed, which takes
/// hours for megabytes.
public func firstDifference(_ bytes: some Collection<UInt8>, _ expected: some Collection<UInt8>) -> String? {
    guard !bytes.elementsEqual(expected) else { return nil }
    let offset = zip(bytes, expected).prefix { $0 == $1 }.count
    return "\(bytes.count) bytes differ from the \(expected.count) expected ones from offset \(offset) on"
}
