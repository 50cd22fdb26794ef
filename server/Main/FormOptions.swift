import ArgumentParser
import Receiver

struct FormOptions: ParsableArguments {
    static let names = [
        "--max-parts", "--max-fields", "--max-part-names", "--max-part-header", "--max-part-header-lines",
    ]

    private static let defaults = Receiver.FormLimits()

    @Option(
        help: ArgumentHelp(
            "The maximum number of parts of a form, files and fields. A form with more is refused with 413.",
            valueName: "n"))
    var maxParts = Self.defaults.parts

    @Option(
        help: ArgumentHelp(
            "The maximum number of fields of a form, besides its files. A form with more is refused with 413.",
            valueName: "n"))
    var maxFields = Self.defaults.fields

    @Option(
        help: ArgumentHelp(
            """
            The maximum length of the names, file names and types of all parts of a form, which are kept in memory for \
            the report. Default: 4M.
            """,
            valueName: "size"),
        transform: ByteCount.init)
    var maxPartNames: ByteCount?

    @Option(
        help: ArgumentHelp("The maximum length of the header of one part. Default: 16K.", valueName: "size"),
        transform: ByteCount.init)
    var maxPartHeader: ByteCount?

    @Option(help: ArgumentHelp("The maximum number of lines in the header of one part.", valueName: "n"))
    var maxPartHeaderLines = Self.defaults.partHeaderLines

    var limits: Receiver.FormLimits {
        var limits = Self.defaults
        limits.parts = maxParts
        limits.fields = maxFields
        if let maxPartNames { limits.nameBytes = maxPartNames.bytes }
        if let maxPartHeader { limits.partHeaderBytes = maxPartHeader.bytes }
        limits.partHeaderLines = maxPartHeaderLines
        return limits
    }

    func validate() throws {
        guard maxParts > 0, maxPartHeaderLines > 0 else {
            throw ValidationError("the number of parts and of header lines must be at least 1")
        }
        guard maxFields >= 0 else { throw ValidationError("the number of fields must not be negative") }
    }
}
