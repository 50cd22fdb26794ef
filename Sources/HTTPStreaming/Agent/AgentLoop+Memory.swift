/// How transfers get the memory for their buffers.
extension AgentLoop {
    /// Has a transfer go on, now or when there is enough memory for it.
    func provide(_ demand: BufferDemand, for transfer: Transfer, to step: Transfer.Step) {
        let (agent, id) = (agent, transfer.id)
        switch transfer.memory.budget.take(demand, onGrant: { agent.post(.granted(id, $0)) }) {
        case .granted(let grant): go(on: transfer, step, with: grant)
        case .waiting(let ticket): transfer.wait(for: ticket, to: step)
        }
    }

    func go(on transfer: Transfer, _ step: Transfer.Step, with grant: BufferGrant) {
        pending.add(transfer)
        switch step {
        case .start(let request):
            do throws(CurlError) {
                try transfer.start(request, grant)
                if request.isPlain { transfer.easy.discardStaleConnection() }
                transfer.easy.callbacks = transfer
                try multi.add(transfer.easy)
                added.append(transfer)
                running[transfer.easy.raw] = transfer
            } catch {
                abort(transfer, ClientError(error))
            }
        case .partsAdded(let waiter):
            transfer.keep(grant)
            transfer.partsAdded(waiter)
        }
    }
}
