// A plain Hummingbird server with one route, as in its guide, to which scripts/bench-server.sh compares the server.

import Hummingbird
import Logging
import NIOCore

#if canImport(Glibc)
import Glibc
#endif

let router = Router()
router.get("/echo/hello") { _, _ in "hello" }
let application = Application(
    router: router, configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0), backlog: 4096),
    onServerRunning: { channel in
        print("listening on http://127.0.0.1:\(channel.localAddress?.port ?? 0)")
        fflush(nil)
    },
    logger: {
        var logger = Logger(label: "empty-route")
        logger.logLevel = .error
        return logger
    }()
)
try await application.runService()
