/// What `make fuzz` runs with random input, and `make test` with the inputs in `Tests/Fuzz/Corpus`.
struct FuzzTarget: Sendable {
    /// The name of the folder with its inputs.
    let name: String
    /// - Throws: ``Violation`` if a promise does not hold for this input.
    let check: @Sendable (UnsafeRawBufferPointer) throws(Violation) -> Void

    static let forms = [
        FuzzTarget(name: "multipart", check: MultipartCheck.run),
        FuzzTarget(name: "part-head", check: PartHeadCheck.run),
        FuzzTarget(name: "boundary", check: BoundaryCheck.run),
    ]
}

/// A promise that does not hold.
struct Violation: Error, CustomStringConvertible {
    let description: String
}

func require(_ condition: Bool, _ promise: @autoclosure () -> String) throws(Violation) {
    guard condition else { throw Violation(description: promise()) }
}

/// Numbers that depend on the input only, so that a finding can be repeated.
struct InputGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(_ input: UnsafeRawBufferPointer) {
        // FNV-1a
        state = input.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    mutating func next() -> UInt64 {
        // SplitMix64
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }

    mutating func oneIn(_ count: UInt64) -> Bool { next() % count == 0 }

    /// Ascending places at which an input of `count` bytes is split: every place, or one to six.
    mutating func splits(of count: Int) -> [Int] {
        if count < 64, oneIn(4) { return Array(1..<max(1, count)) }
        return (0...next() % 6).map { _ in Int(next() % UInt64(count + 1)) }.sorted()
    }
}

/// Calls `body` with each piece of an input. Each piece is in memory of its own, so that AddressSanitizer notices reads
/// beyond it, and references that are kept.
func withPieces<Failure: Error>(
    of input: UnsafeRawBufferPointer, splitAt splits: [Int],
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
) throws(Failure) {
    var start = 0
    for end in splits + [input.count] {
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: end - start, alignment: 1)
        defer { piece.deallocate() }
        piece.copyMemory(from: UnsafeRawBufferPointer(rebasing: input[start..<end]))
        try body(UnsafeRawBufferPointer(piece))
        start = end
    }
}

extension [UInt8] {
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws(Violation) -> Result) throws(Violation) -> Result {
        try withUnsafeBufferPointer { (bytes) throws(Violation) in try body(UnsafeRawBufferPointer(bytes)) }
    }
}
