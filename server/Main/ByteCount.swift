import ArgumentParser

/// A number of bytes as it is written on a command line: `1000`, `64K`, `10G`.
struct ByteCount: ExpressibleByArgument, Hashable {
    let bytes: Int

    /// - Parameter argument: a number, which K, M, G or T, in any case, multiply by a power of 1024.
    init?(argument: String) {
        let suffixes: [Character: Int] = ["K": 10, "M": 20, "G": 30, "T": 40]
        let shift = argument.last.flatMap { suffixes[Character($0.uppercased())] }
        let digits = shift == nil ? argument[...] : argument.dropLast()
        guard let number = Int(digits), number >= 0, digits.first?.isNumber == true else { return nil }
        let (bytes, overflows) = number.multipliedReportingOverflow(by: 1 << (shift ?? 0))
        guard !overflows else { return nil }
        self.bytes = bytes
    }
}
