import ArgumentParser

/// A number of bytes as it is written on a command line: `1000`, `64K`, `10G`.
struct ByteCount: Hashable {
    let bytes: Int

    /// - Parameter argument: a number, which K, M, G or T, in any case, multiply by a power of 1024.
    init(_ argument: String) throws {
        let suffixes: [Character: Int] = ["K": 10, "M": 20, "G": 30, "T": 40]
        let shift = argument.last.flatMap { suffixes[Character($0.uppercased())] }
        let digits = shift == nil ? argument[...] : argument.dropLast()
        let number = digits.first?.isNumber == true ? Int(digits) : nil
        let product = number?.multipliedReportingOverflow(by: 1 << (shift ?? 0))
        guard let product, !product.overflow else {
            throw ValidationError("a size is a number of bytes, 1000, or of 1024 or more of them, 64K, 1M, 10G, 2T")
        }
        bytes = product.partialValue
    }
}
