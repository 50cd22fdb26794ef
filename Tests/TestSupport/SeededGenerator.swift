import Foundation

/// A reproducible generator: SplitMix64, seeded at random or by the environment variable TEST_SEED. Tests
/// print ``seed`` and its ``case``.
public struct SeededGenerator: RandomNumberGenerator {
    public static let seed: UInt64 =
        ProcessInfo.processInfo.environment["TEST_SEED"].flatMap { UInt64($0) } ?? .random(in: 0...UInt64.max)

    private var state: UInt64

    /// A generator of its own for each case, so that one case can be run without the others.
    public init(case number: Int) { state = Self.seed &+ UInt64(number) &* 0xD1B5_4A32_D192_ED03 }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }

    /// One of `choices`, which are not empty.
    public mutating func pick<T>(_ choices: [T]) -> T { choices[Int.random(in: 0..<choices.count, using: &self)] }

    /// Bytes that cannot be compressed.
    public mutating func bytes(_ count: Int) -> [UInt8] {
        let words = (count + 7) / 8
        let bytes = [UInt8](unsafeUninitializedCapacity: words * 8) { buffer, initialized in
            let memory = UnsafeMutableRawBufferPointer(buffer)
            for word in 0..<words { memory.storeBytes(of: next(), toByteOffset: word * 8, as: UInt64.self) }
            initialized = words * 8
        }
        return bytes.count == count ? bytes : Array(bytes.prefix(count))
    }

    /// Many different bytes, made quickly also without optimization: a random block again and again, rotated. They can be
    /// compressed a little.
    public mutating func manyBytes(_ count: Int) -> [UInt8] {
        let block = bytes(min(count, 128 << 10))
        var result = block
        while result.count < count {
            let turn = Int.random(in: 0..<block.count, using: &self)
            result += block[turn...]
            result += block[..<turn]
        }
        return Array(result.prefix(count))
    }

    /// The same bytes each time, of a generator of their own.
    public static func bytes(_ count: Int, case number: Int) -> [UInt8] {
        var generator = SeededGenerator(case: number)
        return generator.bytes(count)
    }

    /// The same of ``manyBytes(_:)`` each time, of a generator of their own.
    public static func manyBytes(_ count: Int, case number: Int) -> [UInt8] {
        var generator = SeededGenerator(case: number)
        return generator.manyBytes(count)
    }

    public mutating func oneIn(_ count: Int) -> Bool { Int.random(in: 0..<count, using: &self) == 0 }
}
