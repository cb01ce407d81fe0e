import { MessageBar, MessageBarBody } from '@fluentui/react-components';
import { useWords } from '../../words/words.tsx';

/** Says that a form is saved, also to screen readers. */
export function Saved({ isSaved }: { readonly isSaved: boolean }) {
  const words = useWords();
  return (
    <div aria-live="polite">
      {isSaved && (
        <MessageBar intent="success">
          <MessageBarBody>{words('settings.saved')}</MessageBarBody>
        </MessageBar>
      )}
    </div>
  );
}
