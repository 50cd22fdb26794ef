import ArgumentParser
import Receiver

struct ResumptionOptions: ParsableArguments {
    static let names = ["--max-unfinished", "--max-unfinished-size", "--unfinished-age", "--tus"]

    /// A year, in seconds.
    private static let maximumAge = 31_536_000

    @Option(
        help: ArgumentHelp(
            """
            The maximum number of uploads that have been cut off and can go on. Further ones are refused with 507. With 0 \
            uploads that are cut off cannot go on.
            """,
            valueName: "n"))
    var maxUnfinished = Receiver.ResumptionLimits().count

    @Option(
        help: ArgumentHelp(
            "The maximum size of these uploads together. Beyond it they are refused with 507. Default: no limit.",
            valueName: "size"),
        transform: ByteCount.init)
    var maxUnfinishedSize: ByteCount?

    @Option(help: ArgumentHelp("Remove an upload that has not gone on for SECONDS.", valueName: "seconds"))
    var unfinishedAge = 24 * 60 * 60

    @Option(
        help: ArgumentHelp(
            "The path below which the server speaks tus 1.0, with a slash at both ends; / for nowhere.",
            valueName: "path"))
    var tus = "/tus/"

    var limits: Receiver.ResumptionLimits {
        var limits = Receiver.ResumptionLimits()
        (limits.count, limits.bytes, limits.age) = (maxUnfinished, maxUnfinishedSize?.bytes, .seconds(unfinishedAge))
        return limits
    }

    /// Nil for nowhere.
    var tusPath: String? { tus == "/" ? nil : tus }

    func validate() throws {
        guard maxUnfinished >= 0 else { throw ValidationError("the number of uploads must not be negative") }
        guard (1...Self.maximumAge).contains(unfinishedAge) else {
            throw ValidationError("the age must be from 1 to \(Self.maximumAge) seconds")
        }
        let isPath =
            tus.hasPrefix("/") && tus.hasSuffix("/") && tus.utf8.allSatisfy { $0 > 0x20 && !"?#%".utf8.contains($0) }
        guard isPath else { throw ValidationError("the path of tus must begin and end with a slash") }
    }
}
