import Platform
import Synchronization

/// Finds the number of a file whose name is taken: `book (1).txt` for `book.txt`. The time that takes does not grow with
/// the number of files. Every call blocks.
final class NumberedNames: Sendable {
    /// The name and the first numbers are always tried, in order: people expect the lowest one that is free.
    private static let triedInOrder = 5
    /// How many names are remembered.
    private static let maximumCount = 1000

    /// Locked while a file is replaced or a condition is judged, until the name is given; and while a name is taken back.
    let exclusive = Mutex(())
    /// The number to try after the ones that are tried in order.
    private let next = Mutex<[FileName: Int]>([:])

    /// Calls `give` with the name itself or with a number, until it does not throw `EEXIST`.
    ///
    /// - Parameters:
    ///   - directory: in which `give` gives the name.
    ///   - give: throws `EEXIST` if the name is taken.
    /// - Returns: the name that was given.
    @discardableResult
    func give(
        _ name: FileName, in directory: Directory, by give: (String) throws(SystemError) -> Void
    ) throws(SystemError) -> String {
        for number in 0..<Self.triedInOrder {
            if let given = try Self.attempt(name, number, give) { return given }
        }
        var number = reserve(name, from: Self.triedInOrder)
        while true {
            if let given = try Self.attempt(name, number, give) { return given }
            number = reserve(name, from: Self.free(name, after: number, in: directory))
        }
    }

    /// - Returns: nil if the name is taken.
    private static func attempt(
        _ name: FileName, _ number: Int, _ give: (String) throws(SystemError) -> Void
    ) throws(SystemError) -> String? {
        let candidate = name.numbered(number)
        do throws(SystemError) {
            try give(candidate)
        } catch {
            guard error.code == EEXIST else { throw error }
            return nil
        }
        return candidate
    }

    /// - Returns: a number that nobody else has reserved, at least `minimum`. Requests that end at the same time then do
    ///   not try the same names.
    private func reserve(_ name: FileName, from minimum: Int) -> Int {
        next.withLock { next in
            if next.count >= Self.maximumCount, next[name] == nil { next = [:] }
            let number = max(next[name] ?? 0, minimum)
            next[name] = number + 1
            return number
        }
    }

    /// - Parameter taken: a number that is taken.
    /// - Returns: a larger number that is free, and whose predecessor is taken; the lowest one if the numbers have no gaps.
    ///   Looks at about 2·log₂(n) names if n numbers follow that are taken.
    private static func free(_ name: FileName, after taken: Int, in directory: Directory) -> Int {
        var (taken, step) = (taken, 1)
        while directory.contains(name.numbered(taken + step)) {
            taken += step
            step *= 2
        }
        var free = taken + step
        while free - taken > 1 {
            let middle = taken + (free - taken) / 2
            if directory.contains(name.numbered(middle)) { taken = middle } else { free = middle }
        }
        return free
    }
}
