/// What the states of a transfer mean for those who are outside.
extension Transfer.StateMachine {

    var isUploadPaused: Bool {
        switch upload {
        case .held, .throttled, .waiting, .starved, .yielding: true
        case .flowing, .complete, .stopped: false
        }
    }

    /// Whether somebody may still want content.
    var takesContent: Bool { download == .receiving || download == .blocked }

    var isDownloadPaused: Bool { download == .blocked }

    /// Whether it is for the network or the server to go on, rather than for this side.
    var waitsForPeer: Bool {
        switch upload {
        case .held, .throttled, .waiting, .starved: false
        // What libcurl still has is sent, but nobody promises when.
        case .flowing, .yielding: !isHeld && download != .blocked
        case .complete, .stopped: download != .blocked
        }
    }

    /// What the one who gave the parts can be told.
    var news: News {
        switch (upload, download) {
        case (.starved, _): .partsSent
        case (.stopped, _) where isRefused: .answeredEarly
        case (.complete, .receiving), (.complete, .blocked), (.complete, .discarding), (.complete, .complete):
            .responded
        // The server may not read on before its content is read.
        case (.flowing, .blocked) where isFinishing, (.held, .blocked) where isFinishing,
            (.throttled, .blocked) where isFinishing, (.waiting, .blocked) where isFinishing,
            (.yielding, .blocked) where isFinishing:
            .responded
        case (.complete, .awaitingHead), (.flowing, _), (.held, _), (.throttled, _), (.waiting, _), (.yielding, _),
            (.stopped, _):
            .nothing
        }
    }
}
