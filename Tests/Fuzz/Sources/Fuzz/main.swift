// Runs one fuzz target until its check fails or libFuzzer's limits are reached:
//
//     fuzz TARGET [OPTIONS OF libFuzzer]
import CLibFuzzer

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

enum Selected {
    static let target = FuzzTarget.all.first { $0.name == CommandLine.arguments.dropFirst().first }
}

guard Selected.target != nil else {
    print(FuzzTarget.all.map(\.name).joined(separator: "\n"))
    exit(2)
}
var (count, arguments) = (CommandLine.argc - 1, Optional(CommandLine.unsafeArgv + 1))
let status = LLVMFuzzerRunDriver(&count, &arguments) { bytes, count in
    do throws(Violation) {
        try Selected.target?.check(UnsafeRawBufferPointer(start: bytes, count: count))
    } catch {
        fatalError("\(error)")
    }
    return 0
}
exit(status)
