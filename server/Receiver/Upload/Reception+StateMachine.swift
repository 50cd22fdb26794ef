import Multipart

extension Reception {
    /// What happens to the parts of one request, without I/O: told what the parser found and what
    /// the storage did, it says what the driver has to do.
    struct StateMachine: ~Copyable {
        /// How much is kept in memory for the answer.
        struct Limits: Hashable, Sendable {
            /// Bytes of one field's value; 64 KiB unless set.
            var valueBytes = 64 * 1024
            /// Bytes of the values of all fields; 1 MiB unless set.
            var allValueBytes = 1024 * 1024
            /// Bytes of the names, filenames and types of all parts; 1 MiB unless set.
            var allNameBytes = 1024 * 1024
        }

        enum PartBeganAction: Equatable {
            case none
            case beginFile(named: String)
        }

        enum ContentAction: Equatable {
            /// It has been counted, and kept as far as it is kept.
            case none
            case write
            case beginFileAndWrite(named: String)
        }

        enum PartEndedAction: Equatable {
            case none
            case endFile
        }

        enum FailedAction: Equatable {
            case none
            case abandon
        }

        private enum State {
            /// → `inFile`, `inUnchosenFile`, `inField`, `complete`, `failed`
            case betweenParts
            /// → `betweenParts`, `failed`
            case inFile
            /// In a part with an empty filename, of which nothing has come yet: a file input left
            /// empty in a browser, if nothing does. → `betweenParts`, `inFile`, `failed`
            case inUnchosenFile
            /// → `betweenParts`, `failed`
            case inField
            /// The closing delimiter has been read; the body may go on. → `publishing`, `failed`
            case complete
            /// The body has ended. → `published`, `failed`
            case publishing
            /// Nothing follows.
            case published
            /// Nothing follows.
            case failed
        }

        private let limits: Limits
        private var state = State.betweenParts
        private var valueBytes = 0
        private var nameBytes = 0
        /// Of `parts`, those that the storage has been told to begin.
        private var files: [Int] = []
        /// The one being read last.
        private(set) var parts: [ReceivedPart] = []

        init(limits: Limits = Limits()) {
            self.limits = limits
        }

        /// - Throws: ``Refusal`` when the answer would become too large.
        mutating func partBegan(_ head: PartHead) throws(Refusal) -> PartBeganAction {
            expect(.betweenParts)
            nameBytes += head.name.utf8.count + (head.filename?.utf8.count ?? 0) + (head.contentType?.utf8.count ?? 0)
            guard nameBytes <= limits.allNameBytes else {
                throw Refusal(.tooLarge, "the names of the parts have more than \(limits.allNameBytes) bytes")
            }
            parts.append(ReceivedPart(name: head.name, filename: head.filename, contentType: head.contentType))
            switch head.filename {
            case nil:
                parts[parts.count - 1].value = FieldValue()
                state = .inField
                return .none
            case "":
                state = .inUnchosenFile
                return .none
            case .some(let filename):
                files.append(parts.count - 1)
                state = .inFile
                return .beginFile(named: filename)
            }
        }

        /// - Parameter bytes: never empty.
        mutating func contentArrived(_ bytes: UnsafeRawBufferPointer) -> ContentAction {
            let last = parts.count - 1
            parts[last].size += bytes.count
            switch state {
            case .inFile:
                return .write
            case .inUnchosenFile:
                files.append(last)
                state = .inFile
                return .beginFileAndWrite(named: "")
            case .inField:
                let before = parts[last].value?.bytes.count ?? 0
                let room = limits.allValueBytes - valueBytes
                parts[last].value?.append(bytes, limit: min(limits.valueBytes, before + room))
                valueBytes += (parts[last].value?.bytes.count ?? 0) - before
                return .none
            case .betweenParts, .complete, .publishing, .published, .failed:
                preconditionFailure("content outside of a part")
            }
        }

        /// - Parameter sha256: of the part's content, in hexadecimal.
        mutating func partEnded(sha256: String?) -> PartEndedAction {
            parts[parts.count - 1].sha256 = sha256
            switch state {
            case .inFile:
                state = .betweenParts
                return .endFile
            case .inUnchosenFile, .inField:
                state = .betweenParts
                return .none
            case .betweenParts, .complete, .publishing, .published, .failed:
                preconditionFailure("the end of a part that did not begin")
            }
        }

        mutating func messageEnded() {
            expect(.betweenParts)
            state = .complete
        }

        /// The request's body ended as HTTP ends one. What follows is to publish.
        ///
        /// - Throws: ``Refusal`` where the closing delimiter had not come.
        mutating func bodyEnded() throws(Refusal) {
            guard case .complete = state else {
                throw Refusal(.malformed, "the message ended before its closing delimiter")
            }
            state = .publishing
        }

        /// - Parameter names: as the storage returned them, one for each file that it was told to
        ///   begin.
        mutating func published(as names: [String?]) -> UploadReport {
            expect(.publishing)
            precondition(names.count == files.count, "the storage names each file")
            for (file, name) in zip(files, names) { parts[file].savedAs = name }
            state = .published
            return UploadReport(parts: parts)
        }

        /// Something went wrong, here or elsewhere, or the request was given up.
        mutating func failed() -> FailedAction {
            switch state {
            case .betweenParts, .inFile, .inUnchosenFile, .inField, .complete, .publishing:
                state = .failed
                return .abandon
            case .published, .failed:
                return .none
            }
        }

        private func expect(_ expected: State) {
            precondition(state == expected, "\(expected) was expected, not \(state)")
        }
    }
}
