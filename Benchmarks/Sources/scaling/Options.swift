/// The command line: names and values.
struct Options: Sendable {
    static let usage = """
        usage: scaling URL STORE [NAME=VALUE…]
          URL            of the load balancer
          STORE          URL below which each stored file can be read with GET, without the servers
          uploads=300    number of files
          size=20M       bytes of each file
          jobs=30        uploads at the same time
          resume=off     off: each file is sent once, by PUT; draft: by PUT, and continued after an interruption
                         (draft-ietf-httpbis-resumable-upload); created: as draft, after a request without content;
                         tus: by POST to URL/tus/, and continued
          rate=0         bytes per second of each upload at most; 0 for no limit
          seed=1         of the contents
          servers=       files that hold the process identifiers of the servers, separated by commas
          kill=0         number of the server that gets a signal a second after half of the files; 0 for none
          signal=KILL    KILL or TERM
        """

    enum Resumption: String { case off, draft, created, tus }
    enum Signal: String { case kill = "KILL", terminate = "TERM" }

    let url: String
    let store: String
    private(set) var uploads = 300
    private(set) var size = 20 << 20
    private(set) var jobs = 30
    private(set) var resumption = Resumption.off
    private(set) var rate: Int?
    private(set) var seed: UInt64 = 1
    private(set) var serverFiles: [String] = []
    /// The index of the server to kill.
    private(set) var killed: Int?
    private(set) var signal = Signal.kill

    /// Nil if they are wrong.
    init?(_ arguments: [String]) {
        guard arguments.count >= 2 else { return nil }
        (url, store) = (Self.folder(arguments[0]), Self.folder(arguments[1]))
        for argument in arguments.dropFirst(2) {
            guard let equals = argument.firstIndex(of: "=") else { return nil }
            let value = String(argument[argument.index(after: equals)...])
            guard set(String(argument[..<equals]), to: value) else { return nil }
        }
        guard uploads > 0, size >= 0, jobs > 0, killed.map(serverFiles.indices.contains) ?? true else { return nil }
    }

    private mutating func set(_ name: String, to value: String) -> Bool {
        switch name {
        case "uploads": return Self.set(&uploads, Int(value))
        case "size": return Self.set(&size, Self.bytes(value))
        case "jobs": return Self.set(&jobs, Int(value))
        case "resume": return Self.set(&resumption, Resumption(rawValue: value))
        case "signal": return Self.set(&signal, Signal(rawValue: value))
        case "seed": return Self.set(&seed, UInt64(value))
        case "servers": serverFiles = value.split(separator: ",").map(String.init)
        case "rate":
            guard let bytes = Self.bytes(value) else { return false }
            rate = bytes > 0 ? bytes : nil
        case "kill":
            guard let number = Int(value) else { return false }
            killed = number > 0 ? number - 1 : nil
        default: return false
        }
        return true
    }

    private static func set<Value>(_ variable: inout Value, _ value: Value?) -> Bool {
        guard let value else { return false }
        variable = value
        return true
    }

    private static func folder(_ url: String) -> String { url.hasSuffix("/") ? url : url + "/" }

    private static func bytes(_ text: String) -> Int? {
        let shifts: [Character: Int] = ["K": 10, "M": 20, "G": 30]
        guard let last = text.last, let shift = shifts[last] else { return Int(text) }
        return Int(text.dropLast()).map { $0 << shift }
    }
}
