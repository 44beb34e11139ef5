/** The ClusterRoles for people: who may do what with which kind (design §2, tenancy). */
import { group, kinds } from '@mnemos/api'

/** Kinds of the platform: teams may look, not touch. A Worker is the operator's; people drain it. */
const platform: readonly string[] = ['Queue', 'WorkerPool', 'Worker', 'ClusterPolicy', 'Schema']
/** Kinds of those who answer for a namespace: whoever writes Jobs must not lift the rules for them. */
const ofAdmins: readonly string[] = ['Policy']

/** What the server asks for when people read, store and remove files; no object of the API server. */
const files: readonly string[] = ['mnemosjobs/files']

interface PeopleRole {
  /** The built-in ClusterRole that it is added to; the higher ones contain the lower. */
  readonly aggregateTo?: 'admin' | 'edit' | 'view'
  readonly rules: readonly object[]
}

const read = ['get', 'list', 'watch']
const write = ['create', 'update', 'patch', 'delete', 'deletecollection']
const rule = (resources: readonly string[], verbs: readonly string[]): object => ({
  apiGroups: [group],
  resources: [...resources].sort(),
  verbs,
})
const pluralsOf = (wanted: (kind: (typeof kinds)[number]) => boolean): string[] => kinds.filter(wanted).map(({ plural }) => plural)

/** Roles by the end of their names. */
export function peopleRoles(): Readonly<Record<string, PeopleRole>> {
  const ofTeams = pluralsOf(({ kind }) => !platform.includes(kind) && !ofAdmins.includes(kind))
  const namespaced = pluralsOf(({ scope }) => scope === 'Namespaced')
  const ofCluster = pluralsOf(({ scope }) => scope !== 'Namespaced')
  return {
    viewer: { aggregateTo: 'view', rules: [rule(namespaced, read), rule(files, ['get'])] },
    editor: { aggregateTo: 'edit', rules: [rule(ofTeams, write), rule(files, ['create', 'delete'])] },
    admin: {
      aggregateTo: 'admin',
      rules: [
        rule(
          pluralsOf(({ kind }) => ofAdmins.includes(kind)),
          write,
        ),
      ],
    },
    platform: {
      rules: [
        rule(
          pluralsOf(() => true),
          [...read, ...write],
        ),
        rule(files, ['get', 'create', 'delete']),
        // What `kubectl scale` asks for; kinds name their subresources, rules do not contain them.
        rule(
          kinds.filter(({ scale }) => scale !== undefined).map(({ plural }) => `${plural}/scale`),
          ['get', 'update', 'patch'],
        ),
      ],
    },
    'queue-viewer': { rules: [rule(ofCluster, read)] },
  }
}
