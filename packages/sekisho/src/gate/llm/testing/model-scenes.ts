import { afterEach } from 'vitest'
import type { Scene } from '../../testing/scene.ts'
import { modelScene, type ModelSceneOptions } from './model-scene.ts'

/** As {@link modelScene}, for tests of one file: a scene ends with the test that it was made for. */
export function modelScenes(): (options?: ModelSceneOptions) => Promise<Scene> {
  const scenes: Scene[] = []
  afterEach(async () => {
    for (const scene of scenes.splice(0)) await scene.close()
  })
  return async (options) => {
    const scene = await modelScene(options)
    scenes.push(scene)
    return scene
  }
}
